"""Which keys a job may name as its input: one object, however the key is read or shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from obstore.store import LocalStore

from shpc_core import keys
from shpc_core.errors import InvalidInput
from shpc_core.store import Bucket


def refusal(key: str) -> InvalidInput | None:
    try:
        keys.check_input(key, field="input.images")
    except InvalidInput as error:
        return error
    return None


@pytest.mark.parametrize(
    "key",
    [
        "inputs/images.idx",
        "inputs/a/b/c",
        "inputs/a..b",
        "inputs/...",
        "inputs/ü 100%/a+b?c#d&e=f.idx",
        "inputs/" + "a" * 1017,
    ],
)
def test_key_of_one_object_is_accepted(key: str) -> None:
    assert refusal(key) is None


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "is ''"),
        ("inputs", "is 'inputs'"),
        ("jobs/another/report.json", "is 'jobs/another/report.json'"),
        ("/inputs/a", "is '/inputs/a'"),
        ("INPUTS/a", "is 'INPUTS/a'"),
        ("inputs\\a", "is 'inputs"),
        ("inputs/", "has the part ''"),
        ("inputs//a", "has the part ''"),
        ("inputs/a/", "has the part ''"),
        ("inputs/./a", "has the part '.'"),
        ("inputs/../jobs/a", "has the part '..'"),
        ("inputs/a/..", "has the part '..'"),
        ("inputs/a\x00", "has the character U+0000"),
        ("inputs/a\r\nb", "has the character U+000D"),
        ("inputs/\x7f", "has the character U+007F"),
        ("inputs/\u202egpj.exe", "has the character U+202E"),
        ("inputs/\u200b", "has the character U+200B"),
        ("inputs/\u2028", "has the character U+2028"),
        ("inputs/\ud800", "has the character U+D800"),
        ("inputs/" + "a" * 1018, "is 1025 bytes long"),
        ("inputs/" + "ü" * 509, "is 1025 bytes long"),
    ],
)
def test_key_that_could_be_read_otherwise_is_refused(key: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        keys.check_input(key, field="input.images")
    assert caught.value.problem.startswith(problem)


@given(st.text(max_size=60).map("inputs/".__add__))
@example("inputs/a/../../b")
def test_key_that_is_accepted_stays_where_it_says(key: str) -> None:
    """No normalisation changes it, and nothing in it is invisible."""
    if refused := refusal(key):
        assert (refused.field, refused.allowed) == ("input.images", keys.ALLOWED_INPUT)
        assert len(str(refused)) < 500
        return
    parts = key.split("/")
    assert parts[0] == "inputs"
    assert not {"", ".", ".."} & set(parts)
    assert not {"Cc", "Cf", "Cs"} & {unicodedata.category(character) for character in key}


@given(
    st.lists(
        st.text(
            st.characters(exclude_characters="/", exclude_categories=["C", "Z"]),
            min_size=1,
            max_size=20,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_key_that_is_accepted_is_the_object_that_is_read(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str]
) -> None:
    """obstore parses paths; what it parses differently must not have been accepted."""
    key = "inputs/" + "/".join(parts)
    if refusal(key) is None:
        bucket = Bucket(LocalStore(tmp_path_factory.mktemp("bucket")))
        bucket.put(key, b"here")
        assert bucket.get(key) == b"here"
