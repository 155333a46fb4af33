from __future__ import annotations

import errno

import pytest

from chaos.disk import SmallDisk


def test_full_disk_takes_nothing_more_and_a_freed_one_does(tmp_path) -> None:
    folder = tmp_path / "disk"
    with SmallDisk.mounted(folder) as disk:
        if disk is None:
            pytest.skip("this process may not mount a file system")
        (folder / "before").write_bytes(b"x" * 100_000)
        disk.fill()
        disk.fill()
        with pytest.raises(OSError, match="No space left") as refused:
            (folder / "during").mkdir()
        assert refused.value.errno == errno.ENOSPC
        disk.free()
        with pytest.raises(OSError, match="No space left"):
            (folder / "while somebody holds it").mkdir()
        disk.free()
        (folder / "after").write_bytes(b"x" * 100_000)
    assert list(folder.iterdir()) == []
