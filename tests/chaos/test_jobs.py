"""What stands between a campaign's own client and the outages that it causes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore.exceptions import ConnectionClosedError

from chaos import jobs


def test_client_is_begun_again_where_it_met_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = []

    @contextmanager
    def connect(stage: str) -> Iterator[str]:
        begun.append(stage)
        if len(begun) < 3:
            raise ConnectionClosedError(endpoint_url="http://localhost")
        yield "connected"

    monkeypatch.setattr(jobs, "connect", connect)
    with jobs._connected() as connection:
        assert connection == "connected"
    assert begun == [jobs.STAGE] * 3


def test_outage_without_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def connect(stage: str) -> Iterator[str]:
        raise ConnectionClosedError(endpoint_url="http://localhost")
        yield

    monkeypatch.setattr(jobs, "connect", connect)
    monkeypatch.setattr(jobs, "DEADLINE_S", 0.0)
    with pytest.raises(ConnectionClosedError), jobs._connected():
        raise AssertionError("not connected")
