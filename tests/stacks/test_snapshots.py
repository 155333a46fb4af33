"""The templates are the accepted ones; a change is reviewed, then accepted by `make snapshots`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from review.golden import FOLDER, accept, accepted, difference
from review.masking import masked_templates
from review.variants import GOLDEN, Variant
from tests.stacks.synthesized import Synthesized

Variants = Callable[[str], Synthesized]


@pytest.mark.parametrize("variant", GOLDEN, ids=lambda variant: variant.name)
def test_templates_are_the_accepted_ones(variant: Variant, variants: Variants) -> None:
    now = masked_templates(variants(variant.name))
    found = difference(variant.name, accepted(variant), now)
    assert not found, found


def test_golden_files_are_what_accepting_would_write(variants: Variants, tmp_path) -> None:
    """None is left over from a stack that went, none repeats its base."""
    accept({v.name: masked_templates(variants(v.name)) for v in GOLDEN}, folder=tmp_path)
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.json")}
    assert {path.relative_to(FOLDER) for path in FOLDER.rglob("*") if path.is_file()} == written


def test_golden_templates_name_each_function_s_image(prod: Synthesized) -> None:
    text = "".join(masked_templates(prod).values())
    for image in prod.images().values():
        assert f"<asset {image['dockerFile']}>" in text
