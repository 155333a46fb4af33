"""The options of a command that starts a cloud, for how much may run there at once.

Each is also read from a variable, LOCALCLOUD_ and its name, for commands that others start. What
is allowed is decided by ServiceLimits, which is imported late: it brings moto with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from localcloud.functions import ServiceLimits

Command = TypeVar("Command", bound=Callable[..., None])

_OPTIONS: dict[str, tuple[type, str]] = {
    "account_concurrency": (int, "invocations at once of all functions, as AWS limits them [1000]"),
    "scaling_burst": (int, "environments a function may start in 10 s, as on AWS [1000]"),
    "init_s": (float, "seconds that an environment may take to initialise, as on AWS [10]"),
    "width": (int, "environments of a function version at once on this machine [its cores]"),
    "idle_s": (float, "seconds until an unused environment ends [300]"),
}


def limit_options(command: Command) -> Command:
    """Give a command an option for each limit; one that is not chosen is None."""
    for name, (kind, words) in reversed(_OPTIONS.items()):
        option = click.option(
            f"--{name.replace('_', '-')}",
            type=kind,
            envvar=f"LOCALCLOUD_{name.upper()}",
            show_envvar=True,
            help=words,
        )
        command = option(command)
    return command


def chosen_limits(options: Mapping[str, float | None]) -> ServiceLimits:
    """The limits with what was chosen; raises click.UsageError that names every bad one."""
    from localcloud.functions import ServiceLimits

    chosen = {name: value for name, value in options.items() if value is not None}
    try:
        return ServiceLimits(**chosen)  # type: ignore[arg-type]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
