"""What an engine is told to remove while somebody else does; a program stands for `docker`."""

from __future__ import annotations

from pathlib import Path

import pytest

from localcloud.images import engine

# It lists one container until it has been looked at for the nth time, and removes nothing: as the
# engine does with one whose removal is in progress.
DOCKER = """#!/bin/sh
case $1 in
rm) echo "removal of container c1 is already in progress" >&2; exit 1 ;;
ps)
    echo look >> {looks}
    [ "$(wc -l < {looks})" -ge {gone_at} ] || echo c1 ;;
esac
"""


@pytest.fixture
def looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(engine, "_LOOK_AGAIN_S", 0)
    return tmp_path / "looks"


def engine_that_is_rid_of_it(looks: Path, *, at_look: int) -> None:
    program = looks.with_name("docker")
    program.write_text(DOCKER.format(looks=looks, gone_at=at_look))
    program.chmod(0o755)


def test_a_removal_in_progress_is_waited_for(looks: Path) -> None:
    engine_that_is_rid_of_it(looks, at_look=6)
    engine.remove_all_of("a cloud")
    assert len(looks.read_text().splitlines()) == 6


def test_what_stays_is_told(looks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine_that_is_rid_of_it(looks, at_look=1_000_000)
    monkeypatch.setattr(engine, "_GONE_WITHIN_S", 0)
    with pytest.raises(engine.EngineError, match="still has c1 of a cloud"):
        engine.remove_all_of("a cloud")
