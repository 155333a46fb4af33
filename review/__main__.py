"""`make review`: one page about a stage, before it is deployed.

It decides how the question is put: which stage, which overrides, where the page goes. It ends with
1 where the page has findings, so that nobody has to read it to know that.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from review.golden import accepted, changes_since
from review.masking import masked_templates
from review.page import page
from review.show import markdown, show
from review.synthesis import synthesize
from review.variants import GOLDEN, Variant
from settings.errors import SettingsError


@click.command()
@click.option("--stage", default="dev", show_default=True, help="As in settings/stages.py.")
@click.option("-c", "context", multiple=True, metavar="KEY=VALUE", help="Override a setting.")
@click.option("--markdown", "to_file", type=click.Path(path_type=Path), help="Write it here, too.")
def main(stage: str, context: tuple[str, ...], to_file: Path | None) -> None:
    """Print what a reviewer asks of a stage: permissions, doors, what stays, what costs."""
    overrides = dict(_pair(entry) for entry in context)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            assembly = synthesize(stage, overrides, Path(scratch, "cdk.out"))
        except SettingsError as error:
            raise click.ClickException(str(error)) from None
        variant = _closest(stage, overrides)
        changed = changes_since(accepted(variant), masked_templates(assembly))
        sections = page(assembly, changed)
    console = Console()
    console.print(f"{stage} {' '.join(context)}, compared with golden {variant.name}")
    show(sections, console)
    if to_file:
        to_file.parent.mkdir(parents=True, exist_ok=True)
        to_file.write_text(f"# Review of {stage} {' '.join(context)}\n\n{markdown(sections)}")
        console.print(f"\n{to_file}")
    findings = [finding for section in sections for finding in section.findings]
    if findings:
        console.print(f"\n{len(findings)} findings, marked with ! above")
        sys.exit(1)


def _pair(entry: str) -> tuple[str, str]:
    key, sign, value = entry.partition("=")
    if not sign:
        raise click.BadParameter(f"{entry!r}; allowed: KEY=VALUE", param_hint="-c")
    return key, value


def _closest(stage: str, overrides: dict[str, str]) -> Variant:
    """The golden variant of this stage that has the most of these overrides."""

    def shared(variant: Variant) -> int:
        return sum(
            overrides.get(key, "").lower() == str(value).lower()
            for key, value in variant.overrides.items()
        ) - len(variant.overrides)

    same_stage = [variant for variant in GOLDEN if variant.stage == stage]
    return max(same_stage, key=lambda one: (shared(one), len(one.overrides)))


if __name__ == "__main__":
    main()
