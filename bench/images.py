"""Inputs of any size: the committed 3,000 test images and labels, over and over.

Repeated images take the classifier as long as new ones; nothing of the job looks at whether it has
seen an image before.
"""

from __future__ import annotations

from pathlib import Path

from shpc_core import idx

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data" / "fashion-mnist-3000"


def write_images(folder: Path, count: int) -> Path:
    """Write images.idx and labels.idx of `count` items into `folder`; the path of the images.

    Raises ValueError for a count below 1.
    """
    if count < 1:
        raise ValueError(f"count: {count}; allowed: at least 1")
    folder.mkdir(parents=True, exist_ok=True)
    for name, item_shape in (("images.idx", idx.IMAGE_SHAPE), ("labels.idx", ())):
        items = idx.decode((DATA / name).read_bytes(), item_shape=item_shape, field=name)
        with (folder / name).open("wb") as file:
            file.write(idx.encode(items[:0])[:4] + count.to_bytes(4, "big"))
            file.write(b"".join(size.to_bytes(4, "big") for size in item_shape))
            for start in range(0, count, len(items)):
                file.write(items[: count - start].tobytes())
    return folder / "images.idx"
