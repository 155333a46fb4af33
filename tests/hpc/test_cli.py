"""The commands as a user types them, against moto and an API of the contract's shapes."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner
from PIL import Image

from hpc.cli import main
from tests.hpc.made_up import predictions_of


@pytest.fixture
def hpc():
    def run(*arguments: object):
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def job_arguments(deployed, idx_files, tmp_path) -> list[object]:
    """Options of `hpc run` for the small data set; its job succeeds at the first poll."""
    deployed.labels = idx_files.true
    deployed.running_polls = 0
    return ["--images", idx_files.images, "--shard-size", 5, "--job-id", "job-1"]


def test_run_takes_a_job_from_upload_to_report(hpc, job_arguments, tmp_path, aws, deployed) -> None:
    done = hpc("run", *job_arguments, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    posted = deployed.requests[0].json
    keys = [item["Key"] for item in aws("s3").list_objects_v2(Bucket="inputs")["Contents"]]
    assert sorted(posted["input"].values()) == sorted(keys)
    assert posted["shard_size"] == 5
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["predicted"], summary["accuracy"], summary["shards"]) == (20, 0.8, 4)
    assert (summary["architecture"], summary["job_seconds_clock"]) == ("arm64", "client")
    with (tmp_path / "out" / "predictions.csv").open(newline="") as file:
        labels = [int(row["label"]) for row in csv.DictReader(file)]
    assert labels == predictions_of(0, 20).label.tolist()


def test_run_prints_the_figures_and_where_the_files_are(hpc, job_arguments, tmp_path) -> None:
    done = hpc("run", *job_arguments, "--out", tmp_path / "out")
    words = " ".join(done.stdout.replace("\u00a0", " ").split())
    for expected in (
        "20 predicted, 0 missing, 0 duplicated",
        "80.00 % (95 % interval 58.4 % to 91.9 %)",
        "embedded cloud on this machine",
        "estimate for us-east-1",
        str(tmp_path / "out" / "report.html"),
    ):
        assert expected in words
    assert "job job-1: succeeded after" in done.stderr


def test_run_again_uploads_nothing_again(hpc, job_arguments, tmp_path) -> None:
    summaries = []
    for number in range(2):
        out = tmp_path / str(number)
        assert hpc("run", *job_arguments, "--out", out).exit_code == 0
        summaries.append(json.loads((out / "summary.json").read_text())["cost_items_usd"])
    assert summaries[0]["S3 writes"] - summaries[1]["S3 writes"] == pytest.approx(2 * 0.000005)


def test_run_without_labels_knows_no_accuracy(hpc, job_arguments, tmp_path, deployed) -> None:
    done = hpc("run", *job_arguments, "--no-labels", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert deployed.requests[0].json["input"]["labels"] is None
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["accuracy"] is None


def test_job_that_fails_fails_the_command_and_writes_nothing(
    hpc, job_arguments, tmp_path, deployed
) -> None:
    deployed.end = {"status": "FAILED", "error": "InvalidInput", "cause": "images: no"}
    done = hpc("run", *job_arguments, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "Error: job job-1 FAILED: InvalidInput: images: no" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("file_bytes", "earlier"), [(100, False), (5_000, True)])
def test_results_that_find_no_room_are_an_error_and_no_half_a_file(
    job_arguments, tmp_path, file_bytes, earlier
) -> None:
    """The limit on a file's size stands in for a disk that fills up: a write fails in its midst."""
    out = tmp_path / "out"
    if earlier:
        out.mkdir()
        (out / "summary.json").write_text("earlier")
    program = (
        "import resource; from hpc.cli import main;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({file_bytes}, {file_bytes})); main()"
    )
    arguments = [str(argument) for argument in (*job_arguments, "--out", out)]
    done = subprocess.run(
        [sys.executable, "-B", "-c", program, "run", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert f"Error: the results cannot be written to {out}: File too large" in done.stderr
    assert "hpc fetch job-1" in done.stderr
    assert "Traceback" not in done.stderr
    assert out.exists() == earlier
    if earlier:
        assert [path.name for path in out.iterdir()] == ["summary.json"]
        assert (out / "summary.json").read_text() == "earlier"


def test_results_that_were_altered_fail_the_command_and_write_nothing(
    hpc, job_arguments, tmp_path, deployed
) -> None:
    answer = deployed.answer

    def altered(request):
        status, headers, body = answer(request)
        return status, headers, body[:-1] + b"!" if "/download/" in request.path else body

    deployed.answer = altered
    done = hpc("run", *job_arguments, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "is not what the job wrote" in done.stderr
    assert not (tmp_path / "out").exists()


def test_results_that_do_not_add_up_fail_the_command_and_write_nothing(
    hpc, job_arguments, tmp_path, deployed, idx_files
) -> None:
    deployed.images = 19
    deployed.labels = idx_files.true[:19]
    done = hpc("run", *job_arguments, "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "1 missing" in done.stderr
    assert not (tmp_path / "out").exists()


def test_submit_prints_the_id_alone_and_does_not_wait(hpc, deployed, idx_files) -> None:
    done = hpc("submit", "--images", idx_files.images)
    (job_id,) = deployed.jobs
    assert (done.exit_code, done.stdout) == (0, f"{job_id}\n")
    assert [request.method for request in deployed.requests] == ["POST"]


def test_fetch_brings_what_submit_began(hpc, job_arguments, tmp_path, idx_files) -> None:
    assert hpc("submit", *job_arguments).exit_code == 0
    done = hpc("fetch", "job-1", "--images", idx_files.images, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["accuracy"], summary["job_seconds"]) == (0.8, 3.5)
    assert summary["job_seconds_clock"] == "service"


def test_fetch_without_the_images_has_the_jobs_own_accuracy(hpc, job_arguments, tmp_path) -> None:
    hpc("submit", *job_arguments)
    done = hpc("fetch", "job-1", "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["accuracy"] == 0.8
    assert "hpc fetch job-1 --images" in (tmp_path / "out" / "report.html").read_text()


def test_status_shows_the_shards(hpc, job_arguments, deployed) -> None:
    deployed.running_polls = 2
    hpc("submit", *job_arguments)
    hpc("status", "job-1")
    done = hpc("status", "job-1")
    assert done.exit_code == 0
    assert "job job-1: RUNNING" in done.stdout
    assert "shards: 2 of 4 done, 2 running, 0 pending, 0 failed" in done.stdout


def test_status_of_a_failed_job_says_why_and_exits_with_one(hpc, job_arguments, deployed) -> None:
    deployed.end = {"status": "FAILED", "error": "InvalidInput", "cause": "images: [no]"}
    hpc("submit", *job_arguments)
    done = hpc("status", "job-1")
    assert done.exit_code == 1
    assert "cause: images: [no]" in done.stdout


def test_classify_prints_a_line_per_picture(hpc, deployed, tmp_path) -> None:
    (tmp_path / "boot.png").write_bytes(b"png")
    done = hpc("classify", tmp_path / "boot.png")
    assert done.exit_code == 0, done.output
    assert "Ankle boot" in done.stdout
    assert "boot.png" in done.stdout


def test_classify_locally_needs_no_cloud(hpc, tmp_path, monkeypatch) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    Image.new("L", (28, 28)).save(tmp_path / "dark.png")
    done = hpc("classify", "--local", tmp_path / "dark.png")
    assert done.exit_code == 0, done.output
    assert "dark.png" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["status", "nothing"], "404 not_found (field job_id)"),
        (["fetch", "nothing"], "there is no job nothing"),
        (["status", "job-1", "--stage", "prod"], "shpc-prod-storage is not deployed"),
    ],
)
def test_foreseeable_error_is_one_sentence(hpc, deployed, arguments, message) -> None:
    done = hpc(*arguments)
    assert done.exit_code == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_file_that_is_no_idx_is_named(hpc, deployed, tmp_path) -> None:
    (tmp_path / "images.idx").write_bytes(b"not idx at all")
    done = hpc("run", "--images", tmp_path / "images.idx")
    assert done.exit_code == 1
    assert "images.idx" in done.stderr
    assert not deployed.requests


def test_labels_of_another_count_are_refused_before_anything_is_sent(
    hpc, deployed, idx_files, tmp_path
) -> None:
    short = tmp_path / "short.idx"
    short.write_bytes(b"\0\0\x08\x01\0\0\0\x03abc")
    done = hpc("run", "--images", idx_files.images, "--labels", short)
    assert done.exit_code == 1
    assert "3 labels" in done.stderr
    assert not deployed.requests


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "--images", "no-such-file.idx"],
        ["run", "--shard-size", "0"],
        ["run", "--shard-size", "-1"],
        ["run", "--shard-size", "100001"],
        ["run", "--shard-size", "2.5"],
        ["run", "--out", __file__],
        ["fetch", "job-1", "--labels", __file__],
        ["run", "--images", __file__, "--labels", __file__, "--no-labels"],
        ["classify"],
        ["no-such-command"],
    ],
)
def test_wrong_command_line_exits_with_two(hpc, arguments) -> None:
    assert hpc(*arguments).exit_code == 2


def test_no_credentials_are_an_error_that_says_what_to_do(hpc, aws, monkeypatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    done = hpc("status", "job-1")
    assert done.exit_code == 1
    assert "no AWS credentials" in done.stderr


def test_no_region_is_an_error_that_says_what_to_do(hpc, aws, monkeypatch) -> None:
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    done = hpc("status", "job-1")
    assert done.exit_code == 1
    assert "no AWS region" in done.stderr


def test_cloud_that_is_down_is_an_error_that_names_it(hpc, aws, monkeypatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    done = hpc("status", "job-1")
    assert done.exit_code == 1
    assert "http://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["run", "submit", "status", "fetch", "classify", "size"])
def test_help_of_every_command_has_an_example(hpc, command) -> None:
    done = hpc(command, "--help")
    assert done.exit_code == 0
    assert "Example" in done.output
    assert "hpc " in done.output


def hear_interrupts() -> None:
    """In the child: a test run in a shell's background is started deaf to SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupt_leaves_the_job_running_and_says_how_to_come_back(
    job_arguments, deployed, tmp_path
) -> None:
    deployed.running_polls = 10**6
    polled = threading.Event()
    answer = deployed.answer

    def watching(request):
        if request.method == "GET":
            polled.set()
        return answer(request)

    deployed.answer = watching
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "hpc", "run"),
            *(str(argument) for argument in job_arguments),
            *("--out", str(tmp_path / "out")),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_interrupts,  # noqa: PLW1509 - no thread of this process matters there
    )
    assert polled.wait(120)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "re-attach: hpc fetch job-1 --stage dev" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "out").exists()
