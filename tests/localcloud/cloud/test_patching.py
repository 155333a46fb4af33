"""How attributes of moto are replaced: for the length of a block, and never silently wrong."""

from __future__ import annotations

from typing import Any

import pytest

from localcloud.services.patches import Patch, applied, configured, method


class Target:
    kept = 1

    def ask(self) -> str:
        return "stock"


class Inheriting(Target):
    pass


def test_patches_are_taken_back_also_after_an_error():
    seen = []

    def use() -> None:
        with applied([Patch(Target, "kept", 2, "any")]):
            seen.append(Target.kept)
            raise KeyError

    with pytest.raises(KeyError):
        use()
    assert (seen, Target.kept) == ([2], 1)


def test_patch_of_something_moved_is_an_error_that_gives_the_reason():
    before = Target.kept
    patches = [Patch(Target, "kept", 2, "any"), Patch(Inheriting, "kept", 3, "needed for x")]
    with pytest.raises(AttributeError, match="needed for x"), applied(patches):
        pass
    assert Target.kept == before


def test_added_attribute_is_taken_away_again_and_must_not_be_there_already():
    with applied([Patch(Target, "new", 2, "any", adds=True)]):
        assert Target.new == 2  # type: ignore[attr-defined]
    assert not hasattr(Target, "new")
    patches = [Patch(Target, "kept", 2, "needed for x", adds=True)]
    with pytest.raises(AttributeError, match=r"has now 'kept'.*needed for x"), applied(patches):
        pass


def test_method_receives_the_instance():
    replacement = method(lambda target, *, loud: f"{type(target).__name__} {loud}")
    with applied([Patch(Target, "ask", replacement, "any")]):
        asked: Any = Target()
        assert asked.ask(loud=True) == "Target True"
    assert Target().ask() == "stock"


def test_configuration_of_moto_is_taken_back():
    from moto.core.config import default_user_config

    before = {section: dict(values) for section, values in default_user_config.items()}  # type: ignore[call-overload]
    with configured():
        assert default_user_config["stepfunctions"]["execute_state_machine"] is True
        assert default_user_config["iam"]["load_aws_managed_policies"] is True
    assert default_user_config == before
