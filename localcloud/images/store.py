"""The images of one cloud: built folders, the tags that name them, and what was pushed.

Several docker programs run at once, so every change of the tags happens under a file lock. A
pushed image is found by the digest that Lambda keeps as the function's CodeSha256, never by its
tag: a tag may move, a deployed function may not.
"""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path


class ImageNotFoundError(LookupError):
    """No image of that tag or digest is known to this cloud."""


class PushError(ValueError):
    """A tag does not name an image in a registry, and cannot be pushed."""


@dataclass(frozen=True)
class Image:
    """One built image: `task` is its /var/task, `python` has its requirements.

    `container` is the same image as the container engine built it, where it was asked to.

    `entrypoint` is what starts a container of it, with paths as in the image; a function is started
    by the runtime instead, which is what the script hands over to there. Empty: the base image's.
    """

    image_id: str
    task: str
    workdir: str
    python: str
    handler: str
    environment: dict[str, str]
    platform: str | None
    entrypoint: list[str] = field(default_factory=list)
    container: str | None = None


class ImageStore:
    """Images under `<state_dir>/images`."""

    def __init__(self, state_dir: Path) -> None:
        self.folder = state_dir / "images"

    def add(self, image: Image, built: Path) -> None:
        """Move the folder `built` into the store as `image`, unless an equal one is there."""
        (built / "image.json").write_text(json.dumps(asdict(image), indent=2))
        try:
            built.rename(self.folder / image.image_id)
        except OSError:
            if self.built(image.image_id) is None:
                raise

    def tag_image(self, image: Image, tag: str) -> None:
        """Let `tag` name `image`."""
        with self._tags() as tags:
            tags[tag] = image.image_id

    def tag(self, source: str, target: str) -> None:
        """Let `target` name the image that `source` names; raises ImageNotFoundError."""
        with self._tags() as tags:
            if source not in tags:
                raise ImageNotFoundError(f"no image is tagged {source!r}")
            tags[target] = tags[source]

    def tagged(self, tag: str) -> Image:
        """The image that `tag` names; raises ImageNotFoundError."""
        with self._tags() as tags:
            if tag not in tags:
                raise ImageNotFoundError(f"no image is tagged {tag!r}")
            return self._read(tags[tag])

    def names(self) -> list[str]:
        """Every tag there is."""
        with self._tags() as tags:
            return sorted(tags)

    def pushed(self, image: Image, digests: list[str]) -> None:
        """Remember under which SHA-256 digests (hex) Lambda may know the image."""
        references = self.folder / "pushed"
        references.mkdir(parents=True, exist_ok=True)
        for digest in digests:
            (references / digest).write_text(image.image_id)

    def by_code_sha256(self, digest: str) -> Image:
        """The image of a function's CodeSha256; raises ImageNotFoundError."""
        reference = self.folder / "pushed" / digest
        if not reference.is_file():
            raise ImageNotFoundError(
                f"no image with digest sha256:{digest} was pushed to this cloud"
            )
        return self._read(reference.read_text())

    def built(self, image_id: str) -> Image | None:
        """The image of that identity, if it was built before."""
        return self._read(image_id) if self._record(image_id).is_file() else None

    def _record(self, image_id: str) -> Path:
        return self.folder / image_id / "image.json"

    def _read(self, image_id: str) -> Image:
        return Image(**json.loads(self._record(image_id).read_text()))

    @contextmanager
    def _tags(self) -> Iterator[dict[str, str]]:
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / "tags.json"
        with (self.folder / "tags.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            tags: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
            before = dict(tags)
            yield tags
            if tags != before:
                # Renamed into place: a deploy that is interrupted here leaves the old tags whole.
                written = file.with_suffix(".new")
                written.write_text(json.dumps(tags, indent=2))
                written.replace(file)
