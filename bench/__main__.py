"""`python -m bench [FIGURE …]`: runs figures, prints their tables, keeps all that was measured."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from bench import cold_job, cold_start, map_child, sizes, synth, throughput, warm_invoke
from bench.documents import replace_figures
from bench.figure import Figure
from bench.machine import describe_machine
from bench.peer_environment import install_peer
from bench.record import Run, read_run, write_run
from bench.tables import markdown, print_result

FIGURES: dict[str, Figure[Any]] = {
    figure.name: figure
    for figure in (
        cold_job.FIGURE,
        throughput.FIGURE,
        warm_invoke.FIGURE,
        map_child.FIGURE,
        cold_start.FIGURE,
        synth.FIGURE,
        sizes.FIGURE,
    )
}
_LIST = "\n".join(f"  {figure.name:12} {figure.summary}" for figure in FIGURES.values())
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    help="Measure FIGURES, all of them without a name, each as a ratio within this run.\n\n"
    f"\b\n{_LIST}"
)
@click.argument("names", nargs=-1, type=click.Choice(list(FIGURES)), metavar="[FIGURE]...")
@click.option("--quick", is_flag=True, help="Fewer rounds, and nothing above 60,000 images.")
@click.option(
    "--out",
    default="out/bench",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the raw data, one JSON file a run.",
)
@click.option("--write-docs", type=_FILE, help="Put the tables into this document, too.")
@click.option("--from", "earlier", type=_FILE, help="Measure nothing: show an earlier run's data.")
@click.option("--install-peers", is_flag=True, help="Install what is compared with, and end.")
def main(
    names: tuple[str, ...],
    quick: bool,
    out: Path,
    write_docs: Path | None,
    earlier: Path | None,
    install_peers: bool,
) -> None:
    """What `--help` says; docstring and help are one text in click, and that one has the list."""
    console = Console()
    if install_peers:
        console.print(f"installed: {install_peer('lithops')}")
        return
    if earlier is not None:
        run = read_run(earlier)
        for result in run.results:
            print_result(console, result)
    else:
        run = _measure(console, names or tuple(FIGURES), "quick" if quick else "full", out)
    if write_docs is not None:
        replace_figures(write_docs, markdown(run))


def _measure(console: Console, names: tuple[str, ...], effort: str, out: Path) -> Run:
    """Measure one figure after the other; what is done is on disk before the next begins."""
    # Set by some machines for tests: every measured process would compile this project's modules
    # anew, which no user's does.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    started = datetime.now(UTC)
    run = Run(
        started_at=started.isoformat(timespec="seconds"),
        effort=effort,
        machine=describe_machine(),
        results=(),
    )
    path = out / f"{started:%Y%m%dT%H%M%SZ}.json"
    for name in names:
        console.print(f"[dim]{name} ...[/dim]")
        result = FIGURES[name].run(effort)
        run = msgspec.structs.replace(run, results=(*run.results, result))
        write_run(run, path)
        print_result(console, result)
    console.print(f"raw data: {path}")
    return run


if __name__ == "__main__":
    main()
