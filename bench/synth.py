"""`cdk synth` of this app against that of an empty CDK Python app, both by the same CDK CLI.

The empty app is one stack with nothing in it. Its flags for metadata are those of this app's
cdk.json, so that the two differ in what they synthesize and in nothing that the CLI adds.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Figure, interleaved, timed
from bench.images import ROOT
from bench.record import Goal, Result, Series, over
from localcloud.cdk import CdkCli

_EMPTY_APP = """\
import aws_cdk as cdk

app = cdk.App()
cdk.Stack(app, "Empty")
app.synth()
"""


@dataclass(frozen=True, kw_only=True)
class Amount:
    """How often each is timed."""

    rounds: int


def measure(amount: Amount) -> Result:
    """Both in turn, after one of each that is not counted (Python's and Node's caches)."""
    with TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary)
        sides = {
            "app": (CdkCli(), folder / "app.out"),
            "empty": (CdkCli(app_dir=write_empty_app(folder / "empty")), folder / "empty.out"),
        }
        calls = {
            name: lambda cli=cli, out=out: timed(lambda: cli.synth(out))
            for name, (cli, out) in sides.items()
        }
        interleaved(1, calls)
        taken = interleaved(amount.rounds, calls)
    app = Series(name="this app", unit="s", values=taken["app"])
    empty = Series(name="an empty app", unit="s", values=taken["empty"])
    return Result(
        figure=FIGURE.name,
        title="`cdk synth`",
        series=(app, empty),
        ratios=(over("this app / empty app", app, empty, goal=Goal(sense="at most", bound=1.5)),),
        raw={"amount": asdict(amount)},
    )


def write_empty_app(folder: Path) -> Path:
    """The empty app's folder."""
    folder.mkdir()
    (folder / "app.py").write_text(_EMPTY_APP)
    ours = json.loads((ROOT / "cdk.json").read_text())
    settings = {key: value for key, value in ours.items() if key != "context"}
    (folder / "cdk.json").write_text(json.dumps(settings))
    return folder


FIGURE = Figure(
    name="synth",
    summary="cdk synth against an empty CDK Python app",
    measure=measure,
    quick=Amount(rounds=2),
    full=Amount(rounds=7),
)
