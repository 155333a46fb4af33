from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from bench.images import DATA, write_images
from bench.machine import describe_machine
from bench.peer_environment import peer_python
from bench.processes import ProcessFailedError, cpu_s, peak_mb, run_measured
from shpc_core import idx

BURN = "import time\nwhile time.process_time() < 0.2: pass\n"


def test_finished_process_tells_its_answer_and_what_it_used():
    code = f"{BURN}data = b'x' * (64 << 20)\nprint('noise')\nprint('{{\"n\": 3}}')"
    finished = run_measured([sys.executable, "-c", code])
    assert finished.answer == {"n": 3}
    assert finished.cpu_s >= 0.2
    assert finished.peak_mb > 64


def test_failed_process_is_an_error_with_its_last_words(tmp_path):
    with pytest.raises(ProcessFailedError, match=r"ended with 3\n.*out of luck"):
        run_measured(
            [sys.executable, "-c", "import sys; sys.stderr.write('out of luck'); sys.exit(3)"],
            log=tmp_path / "log",
        )


def test_cpu_time_includes_children_that_live_and_that_have_ended():
    child = f"import sys\n{BURN}print(1, flush=True)\nsys.stdin.read()"
    parent = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {BURN!r}])\n"
        f"subprocess.run([sys.executable, '-c', {child!r}], stdin=sys.stdin)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stdin
        process.stdout.readline()
        # The kernel counts in ticks of 10 ms.
        assert cpu_s(process.pid) >= 0.37
        process.stdin.close()


def test_peak_memory_is_that_of_the_process_itself():
    assert peak_mb(os.getpid()) > 20


@pytest.mark.parametrize("count", [1, 10, 3_000, 7_001])
def test_images_of_any_count_are_the_committed_ones_over_and_over(tmp_path, count):
    path = write_images(tmp_path, count)
    for name, shape in (("images.idx", idx.IMAGE_SHAPE), ("labels.idx", ())):
        made = idx.decode((tmp_path / name).read_bytes(), item_shape=shape, field=name)
        given = idx.decode((DATA / name).read_bytes(), item_shape=shape, field=name)
        assert len(made) == count
        assert np.array_equal(made, given[np.arange(count) % len(given)])
    assert path == tmp_path / "images.idx"


def test_no_images_are_refused(tmp_path):
    with pytest.raises(ValueError, match="count"):
        write_images(tmp_path, 0)


def test_machine_is_described_by_what_a_figure_depends_on():
    machine = describe_machine()
    assert machine.cores == os.cpu_count()
    assert machine.memory_gb > 0
    assert machine.load_before >= 0
    assert machine.versions["moto"][0].isdigit()


def test_peer_counts_as_installed_only_with_the_pins_of_now(tmp_path):
    assert peer_python("lithops", folder=tmp_path) is None
    (tmp_path / "lithops").mkdir()
    (tmp_path / "lithops" / "requirements.txt").write_text("lithops==0\n")
    assert peer_python("lithops", folder=tmp_path) is None


def test_unknown_peer_is_refused(tmp_path):
    with pytest.raises(ValueError, match="allowed: lithops"):
        peer_python("dask", folder=tmp_path)
