from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from shpc_training import __main__ as command
from shpc_training import dataset, subset
from shpc_training.dataset import DatasetError, Split

ABSENT = Path("/nonexistent/fashion-mnist")


def write(directory: Path, files: dict[str, bytes], *, compressed: bool) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        if compressed:
            (directory / f"{name}.gz").write_bytes(gzip.compress(data, compresslevel=1))
        else:
            (directory / name).write_bytes(data)
    return directory


def offline() -> dict[str, bytes]:
    raise OSError("no route to host")


@pytest.mark.parametrize("compressed", [True, False])
def test_dataset_is_read_from_the_named_directory(
    tmp_path: Path, small: dict[str, bytes], compressed: bool
) -> None:
    directory = write(tmp_path, small, compressed=compressed)
    data = dataset.load({"FASHION_MNIST_DIR": str(directory)}, debian_directory=ABSENT)
    assert (data.source, len(data.train), len(data.test)) == (str(directory), 2500, 500)
    assert data.train.images.shape == (2500, 28, 28)


def test_dataset_is_looked_for_in_order(tmp_path: Path, small: dict[str, bytes]) -> None:
    named = write(tmp_path / "named", small, compressed=False)
    debian = write(tmp_path / "debian", small, compressed=True)
    environment = {"FASHION_MNIST_DIR": str(named)}
    assert dataset.load(environment, debian_directory=debian).source == str(named)
    assert dataset.load({}, debian_directory=debian, download=offline).source == str(debian)
    fetched = dataset.load({}, debian_directory=ABSENT, download=lambda: small)
    assert fetched.source == "keras.datasets.fashion_mnist"


def test_dataset_that_is_nowhere_says_what_to_do() -> None:
    with pytest.raises(DatasetError) as caught:
        dataset.load({}, debian_directory=ABSENT, download=offline)
    for word in ("apt-get install", "FASHION_MNIST_DIR", "internet", "no route to host"):
        assert word in str(caught.value)


def test_dataset_in_a_named_directory_is_not_looked_for_elsewhere(
    tmp_path: Path, small: dict[str, bytes]
) -> None:
    debian = write(tmp_path / "debian", small, compressed=True)
    (tmp_path / "named").mkdir()
    with pytest.raises(DatasetError, match="has neither train-images-idx3-ubyte nor"):
        dataset.load({"FASHION_MNIST_DIR": str(tmp_path / "named")}, debian_directory=debian)


def test_dataset_with_one_changed_byte_is_refused(tmp_path: Path, small: dict[str, bytes]) -> None:
    changed = bytearray(small["t10k-labels-idx1-ubyte"])
    changed[-1] ^= 1
    files = small | {"t10k-labels-idx1-ubyte": bytes(changed)}
    directory = write(tmp_path, files, compressed=True)
    with pytest.raises(DatasetError, match=r"t10k-labels-idx1-ubyte .* has md5 .* not Fashion"):
        dataset.load({"FASHION_MNIST_DIR": str(directory)})


def test_dataset_downloaded_is_checked_too(small: dict[str, bytes]) -> None:
    with pytest.raises(DatasetError, match=r"keras\.datasets\.fashion_mnist has md5"):
        dataset.load(
            {},
            debian_directory=ABSENT,
            download=lambda: small | {"train-labels-idx1-ubyte": b"other"},
        )


def test_command_passes_the_message_on(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        command.main, ["--out", str(tmp_path)], env={"FASHION_MNIST_DIR": str(tmp_path)}
    )
    assert done.exit_code == 1
    assert "has neither train-images-idx3-ubyte" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("arguments", [["--epochs", "0"], ["--limit-images", "0"]])
def test_command_refuses_a_recipe_of_nothing(tmp_path: Path, arguments: list[str]) -> None:
    done = CliRunner().invoke(command.main, ["--out", str(tmp_path), *arguments])
    assert done.exit_code == 1
    assert "allowed: at least 1" in done.output


def numbered(count: int) -> Split:
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0] = np.arange(count)
    return Split(images, (np.arange(count) % 10).astype(np.uint8))


def test_hold_out_splits_without_overlap() -> None:
    learnt, watched = dataset.hold_out(numbered(200), validation_images=50, seed=1)
    assert (len(learnt), len(watched)) == (150, 50)
    seen = [int(image[0, 0]) for part in (learnt, watched) for image in part.images]
    assert sorted(seen) == list(range(200))
    for part in (learnt, watched):
        np.testing.assert_array_equal(part.images[:, 0, 0] % 10, part.labels)


def test_hold_out_depends_on_the_seed_alone() -> None:
    again = [dataset.hold_out(numbered(200), validation_images=50, seed=1)[1] for _ in range(2)]
    np.testing.assert_array_equal(again[0].images, again[1].images)
    other = dataset.hold_out(numbered(200), validation_images=50, seed=2)[1]
    assert not np.array_equal(again[0].images, other.images)


@pytest.mark.parametrize("count", [0, 200, 201])
def test_hold_out_refuses_to_leave_nothing(count: int) -> None:
    with pytest.raises(DatasetError, match=f"hold out {count} of 200"):
        dataset.hold_out(numbered(200), validation_images=count, seed=1)


def test_subset_writes_the_first_images(tmp_path: Path, small: dict[str, bytes]) -> None:
    test = dataset.load({}, debian_directory=ABSENT, download=lambda: small).test
    digests = subset.write_subset(test, tmp_path, images=20)
    assert set(digests) == {"images.idx", "labels.idx"}
    expected = small["t10k-images-idx3-ubyte"][16 : 16 + 20 * 784]
    assert (tmp_path / "images.idx").read_bytes()[16:] == expected
    with pytest.raises(DatasetError, match="1 to 500 images, not 501"):
        subset.write_subset(test, tmp_path, images=501)


@pytest.mark.skipif(
    not (os.environ.get("FASHION_MNIST_DIR") or dataset.DEBIAN_DIRECTORY.is_dir()),
    reason="needs the whole Fashion-MNIST on this machine",
)
def test_committed_images_are_the_first_of_the_test_set(tmp_path: Path) -> None:
    committed = Path(__file__).resolve().parents[2] / "data" / "fashion-mnist-3000"
    done = CliRunner().invoke(subset.main, ["--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    for name in ("images.idx", "labels.idx"):
        assert (tmp_path / name).read_bytes() == (committed / name).read_bytes()
