"""What is in an image beside its base: what its files say, and none of what must not be there.

A program inside lists every file of the image and of its base; the difference is what the
Dockerfile added, whatever the base holds.
"""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import pytest

from localcloud.images.engine import docker
from tests.images.emulated import StagedImage
from tests.images.needing import BASE_IMAGE
from tests.images.test_figures import FUNCTIONS

LISTING = """
import json, os
found = {}
for folder, folders, files in os.walk("/"):
    folders[:] = [f for f in folders if os.path.join(folder, f) not in ("/proc", "/sys", "/dev")]
    for name in files + folders:
        path = os.path.join(folder, name)
        about = os.lstat(path)
        found[path] = [about.st_mode, about.st_uid, about.st_size]
print(json.dumps(found))
"""
PACKAGES = """
import importlib.metadata, json
print(json.dumps({d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}))
"""

# The engine puts them into every container.
ENGINES_OWN = {"/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/.dockerenv"}

PLACES = re.compile(
    r"/var/task(/.*)?|.*/(site|dist)-packages(/.*)?|(/usr/local|/var/lang)/bin/(__pycache__/)?[^/]*"
)
COMPILERS = re.compile(
    r"(.*-)?(gcc|g\+\+|cc|c\+\+|cc1|cc1plus|clang|clang\+\+|ld|as|make|cmake|rustc|cargo|go|nvcc)"
    r"(-[\d.]+)?"
)
DATA_SETS = re.compile(r".*(\.idx|-ubyte|\.gz|\.npz|\.npy|\.parquet|\.csv|\.h5|\.keras|\.tar)")
SECRETS = re.compile(r"(\.env|\.netrc|\.pypirc|pip\.conf|credentials|id_\w+|.*\.(pem|key))")
NOT_OURS = {".git", ".cache", ".venv", "node_modules", "tests", "data", "shpc_training"}


@dataclass(frozen=True)
class Added:
    """One file or folder that an image has beyond its base, or has changed."""

    path: PurePosixPath
    mode: int
    owner: int
    size: int


def _inside(image: str, program: str) -> dict:
    as_root = ("--rm", "--user", "0:0", "--network", "none", "--entrypoint", "python3")
    return json.loads(docker("run", *as_root, image, "-B", "-c", program))


@pytest.fixture(scope="module")
def base_files(engine: str) -> dict:
    return _inside(BASE_IMAGE, LISTING)


@pytest.fixture(scope="module", params=FUNCTIONS)
def image(request: pytest.FixtureRequest, images: dict[str, StagedImage]) -> StagedImage:
    return images[request.param]


@pytest.fixture(scope="module")
def added(image: StagedImage, base_files: dict) -> list[Added]:
    found = _inside(image.tag, LISTING)
    return [
        Added(PurePosixPath(path), *about)
        for path, about in found.items()
        if path not in ENGINES_OWN
        and (path not in base_files or _is_changed(base_files[path], about))
    ]


def _is_changed(before: list[int], after: list[int]) -> bool:
    """A folder's size says nothing of it; what is new in it is listed by itself."""
    return before != after if stat.S_ISREG(after[0]) else before[:2] != after[:2]


def _matching(added: list[Added], pattern: re.Pattern[str]) -> Iterator[str]:
    return (str(one.path) for one in added if pattern.fullmatch(one.path.name))


def test_only_sources_and_packages_are_added(added: list[Added]) -> None:
    """Not in /root, /tmp or /var/cache: neither caches nor what an installation left behind."""
    assert [str(one.path) for one in added if not PLACES.fullmatch(str(one.path))] == []


def test_task_folder_holds_what_the_catalogue_lists(image: StagedImage, added: list[Added]) -> None:
    staged = {
        path.relative_to(image.context).as_posix()
        for path in image.context.rglob("*")
        if path.is_file() and path.name not in {"Dockerfile", "requirements.txt", "handler.py"}
    }
    task = {
        str(one.path.relative_to("/var/task"))
        for one in added
        if one.path.is_relative_to("/var/task") and stat.S_ISREG(one.mode)
    }
    sources = {file for file in task if "__pycache__" not in file}
    own = {file.removeprefix(f"{image.function}/") for file in staged}
    assert sources <= own | {"handler.py", "requirements.txt"}
    assert own - _unused_by(image, own) <= sources


def _unused_by(image: StagedImage, staged: set[str]) -> set[str]:
    """Files of the context's folders that the Dockerfile does not copy."""
    text = (image.context / image.dockerfile).read_text()
    copied = {*re.findall(r"^COPY (\S+?)/ ", text, re.MULTILINE), image.function}
    return {file for file in staged if "/" in file and file.partition("/")[0] not in copied}


def test_every_source_is_compiled(added: list[Added]) -> None:
    """The file system is read-only on Lambda: what is not compiled is compiled at each INIT."""
    files = {str(one.path) for one in added}
    sources = [
        one.path for one in added if one.path.suffix == ".py" and "packages" not in str(one.path)
    ]
    missing = [
        str(source)
        for source in sources
        if not any(
            other.startswith(f"{source.parent}/__pycache__/{source.stem}.cpython-")
            for other in files
        )
    ]
    assert sources
    assert missing == []


def test_added_packages_are_the_pinned_ones_and_no_others(image: StagedImage, engine: str) -> None:
    base, found = _inside(BASE_IMAGE, PACKAGES), _inside(image.tag, PACKAGES)
    lines = (image.context / image.function / "requirements.txt").read_text().splitlines()
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)", "\n".join(lines), re.MULTILINE))
    new = {_normal(name): version for name, version in found.items() if base.get(name) != version}
    pinned = {_normal(name): version for name, version in pins.items()}
    in_base = {_normal(name): version for name, version in base.items()}
    assert new == {name: v for name, v in pinned.items() if in_base.get(name) != v}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_no_compiler_is_added(added: list[Added]) -> None:
    assert list(_matching([one for one in added if one.mode & 0o111], COMPILERS)) == []


def test_no_data_set_is_added(added: list[Added]) -> None:
    """numpy's own tests hold a few hundred kB of arrays; nothing of ours holds any."""
    ours = [one for one in added if one.path.is_relative_to("/var/task")]
    assert list(_matching(ours, DATA_SETS)) == []
    large = [f"{one.path} {one.size}" for one in ours if one.size > 1_000_000]
    assert large == []


def test_no_secret_is_added(image: StagedImage, added: list[Added]) -> None:
    found = [path for path in _matching(added, SECRETS) if not path.endswith("/cacert.pem")]
    assert found == []
    named = re.compile(r"\w*(SECRET|TOKEN|PASSWORD|_KEY)\w*", re.IGNORECASE)
    assert [word for word in _said(image.tag) - _said(BASE_IMAGE) if named.match(word)] == []


def _said(image: str) -> set[str]:
    """The words of an image's variables and of its history, where a build's arguments stay."""
    about = json.loads(docker("image", "inspect", image))[0]["Config"]
    history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    return {*about["Env"], *history.split()}


def test_nothing_of_the_repository_beside_the_function_is_added(added: list[Added]) -> None:
    ours = [one.path for one in added if one.path.is_relative_to("/var/task")]
    assert [str(path) for path in ours if NOT_OURS & set(path.parts)] == []


def test_others_can_read_everything_and_write_nothing(added: list[Added]) -> None:
    """Lambda's user is none of the image's: it reads by the rights of others."""
    files = [one for one in added if not stat.S_ISLNK(one.mode)]
    needed = {True: 0o005, False: 0o004}
    closed = [str(o.path) for o in files if ~o.mode & needed[stat.S_ISDIR(o.mode)]]
    assert closed == []
    assert [str(one.path) for one in files if one.mode & stat.S_IWOTH] == []


def test_nothing_added_changes_its_user(added: list[Added]) -> None:
    changing = stat.S_ISUID | stat.S_ISGID
    assert [str(o.path) for o in added if stat.S_ISREG(o.mode) and o.mode & changing] == []


def test_the_images_own_user_is_not_root_and_owns_nothing(
    image: StagedImage, added: list[Added]
) -> None:
    about = json.loads(docker("image", "inspect", image.tag))[0]["Config"]
    user = int(about["User"].partition(":")[0])
    assert user > 0
    assert [str(one.path) for one in added if one.owner == user] == []


def test_the_image_is_for_the_platform_of_its_function(image: StagedImage) -> None:
    found = docker("image", "inspect", "--format", "{{.Os}}/{{.Architecture}}", image.tag)
    assert found.strip() == image.platform
