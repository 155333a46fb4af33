"""Turns what a user can act on into one sentence and exit status 1, and leaves the rest alone.

An error that is none of these is a defect of this program and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import click
import requests
from botocore.exceptions import BotoCoreError, ClientError

from hpc.errors import HpcError, JobFailedError, JobInterruptedError
from shpc_core.errors import InvalidInput, StorageError

# What a shell makes of SIGINT.
EXIT_INTERRUPTED = 130


class UserErrorGroup(click.Group):
    """A group of commands whose foreseeable errors end in a sentence, not in a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; see the module."""
        try:
            return super().invoke(ctx)
        except (HpcError, InvalidInput, StorageError) as error:
            raise click.ClickException(str(error)) from error
        except requests.RequestException as error:
            raise click.ClickException(
                f"no answer from {_host(error)}: {_innermost(error)}"
            ) from error
        except (BotoCoreError, ClientError) as error:
            raise click.ClickException(f"AWS: {error}") from error


@contextmanager
def telling_the_way_on(stage: str) -> Iterator[None]:
    """Where watching a job of `stage` ends before its success, say which command goes on."""
    try:
        yield
    except JobInterruptedError as interrupt:
        click.echo(
            f"{interrupt}\nre-attach: hpc fetch {interrupt.job_id} --stage {stage}", err=True
        )
        raise click.exceptions.Exit(EXIT_INTERRUPTED) from interrupt
    except JobFailedError as error:
        if error.redrivable is None:
            raise
        raise click.ClickException(
            f"{error}\nonce its cause is mended: hpc redrive {error.redrivable} --stage {stage}"
        ) from error


def _host(error: requests.RequestException) -> str:
    """Where the request went, without path and query: a presigned address is a credential."""
    if error.request is None or error.request.url is None:
        return "the other side"
    return urlsplit(error.request.url).netloc


def _innermost(error: BaseException) -> BaseException:
    """The cause at the bottom: requests wraps urllib3, which wraps the operating system."""
    while True:
        reason = getattr(error, "reason", None) or error.__cause__ or error.__context__
        if not isinstance(reason, BaseException):
            return error
        error = reason
