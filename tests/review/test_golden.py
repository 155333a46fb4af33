from __future__ import annotations

import json
from pathlib import Path

import pytest

from review.golden import accept, accepted, difference
from review.variants import GOLDEN, Variant

BY_NAME = {variant.name: variant for variant in GOLDEN}


def template(**resources: str) -> str:
    return json.dumps({"Resources": {key: {"Type": kind} for key, kind in resources.items()}})


def every_variant(plain: dict[str, str], **special: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: plain | special.get(name.replace("-", "_"), {}) for name in BY_NAME}


def written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_what_was_accepted_is_read_again(tmp_path: Path) -> None:
    current = every_variant(
        {"Storage": template(A="AWS::S3::Bucket")},
        dev_baseline={"Baseline": template(B="AWS::Batch::JobQueue")},
    )
    accept(current, folder=tmp_path)
    for name, variant in BY_NAME.items():
        assert accepted(variant, folder=tmp_path) == current[name]


def test_variant_keeps_only_what_differs_from_its_base(tmp_path: Path) -> None:
    current = every_variant(
        {"Storage": template(A="AWS::S3::Bucket"), "Api": template(B="AWS::ApiGatewayV2::Api")},
        prod_baseline={"Storage": template(A="AWS::S3::Bucket", C="AWS::S3::BucketPolicy")},
    )
    accept(current, folder=tmp_path)
    assert written(tmp_path) == {
        "dev/Storage.template.json",
        "dev/Api.template.json",
        "prod/Storage.template.json",
        "prod/Api.template.json",
        "prod-baseline/Storage.template.json",
    }


def test_accepting_tells_what_it_changed_and_removes_what_went(tmp_path: Path) -> None:
    accept(every_variant({"Old": "{}", "Same": "{}", "Other": "{}"}), folder=tmp_path)
    outcome = accept(every_variant({"New": "{}", "Same": "{}", "Other": "[]"}), folder=tmp_path)
    named = {str(path.relative_to(tmp_path)): what for path, what in outcome.items()}
    assert named == {
        f"{stage}/{stack}.template.json": what
        for stage in ("dev", "prod")
        for stack, what in (("Old", "removed"), ("New", "added"), ("Other", "changed"))
    }
    assert written(tmp_path) == {
        f"{stage}/{stack}.template.json"
        for stage in ("dev", "prod")
        for stack in ("New", "Same", "Other")
    }


def test_variant_without_a_stack_of_its_base_is_refused(tmp_path: Path) -> None:
    current = every_variant({"Storage": "{}", "Api": "{}"})
    del current["dev-baseline"]["Api"]
    with pytest.raises(ValueError, match="dev-baseline lacks Api of dev"):
        accept(current, folder=tmp_path)


def test_nothing_is_accepted_where_there_is_nothing(tmp_path: Path) -> None:
    assert accepted(Variant(name="dev", stage="dev"), folder=tmp_path) == {}


def test_same_templates_have_no_difference() -> None:
    same = {"Storage": template(A="AWS::S3::Bucket")}
    assert difference("dev", same, dict(same)) == ""


def test_difference_says_what_it_means_where_it_is_and_how_to_accept_it() -> None:
    before = {"Storage": template(Inputs="AWS::S3::Bucket")}
    after = {"Storage": template(Inputs="AWS::S3::Bucket", Results="AWS::S3::Bucket")}
    found = difference("dev", before, after)
    assert "added AWS::S3::Bucket Storage/Results" in found
    assert "--- golden dev/Storage" in found
    assert "make snapshots" in found


def test_long_difference_is_cut_and_says_so() -> None:
    after = {"Storage": json.dumps({f"Key{n}": n for n in range(500)}, indent=1)}
    found = difference("dev", {}, after)
    assert "lines more" in found
    assert len(found.splitlines()) < 800


def test_text_that_changes_without_a_resource_is_said_to() -> None:
    found = difference("dev", {"Storage": "{}"}, {"Storage": "{ }"})
    assert "no resource changed, but the text did" in found
