"""`make snapshots`: accept the templates as they are now, and the permissions that are in them.

It decides nothing about them: it writes what a synthesis of every variant gives, masked, and says
what that changes. Whether the change is right is for the reader of its diff.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from review.golden import FOLDER, accept
from review.masking import masked_templates
from review.permissions_page import PAGE, VARIANT, renewed
from review.synthesis import synthesize
from review.variants import GOLDEN


def main() -> None:
    """Synthesize every variant and replace the golden templates."""
    with tempfile.TemporaryDirectory() as scratch:
        assemblies = {
            variant.name: synthesize(variant.stage, variant.overrides, Path(scratch, variant.name))
            for variant in GOLDEN
        }
        current = {name: masked_templates(assembly) for name, assembly in assemblies.items()}
        page = renewed(PAGE.read_text(), assemblies[VARIANT])
    outcome = accept(current)
    if page != PAGE.read_text():
        PAGE.write_text(page)
        outcome[PAGE] = "changed"
    for path, what in outcome.items():
        print(f"{what}: {path.relative_to(FOLDER.parents[1])}")
    if outcome:
        print("read it (git diff tests/snapshots, or make review), then commit it")
    else:
        print("nothing changed")


if __name__ == "__main__":
    main()
