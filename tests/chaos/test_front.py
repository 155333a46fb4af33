from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterable
from typing import Any

import pytest

from chaos.front import Armed, Front
from chaos.observed import Seen, Watched, seen
from chaos.plan import Fault, Kind, Operation

WATCHED = Watched("job-1", "inputs/abc/images.idx", 10)
JOBS = {"job-1": WATCHED, WATCHED.images_key: WATCHED}


def request(method: str, path: str, body: bytes = b"", **headers: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        **headers,
    }


def read(shard: int) -> dict[str, Any]:
    start = 16 + shard * 10 * 784
    return request("GET", "/inputs-bucket/inputs/abc/images.idx", HTTP_RANGE=f"bytes={start}-99999")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        (read(3), Seen("job-1", Operation.SHARD_READ, 3)),
        (request("GET", "/b/inputs/abc/images.idx", HTTP_RANGE="bytes=0-15"), None),
        (request("PUT", "/b/inputs/abc/images.idx"), None),
        (request("PUT", "/b/jobs/job-1/shards.json"), Seen("job-1", Operation.PLAN_WRITE)),
        (request("GET", "/b/jobs/job-1/groups.json"), Seen("job-1", Operation.LIST_READ)),
        (
            request("PUT", "/b/jobs/job-1/shards/000012.safetensors"),
            Seen("job-1", Operation.SHARD_WRITE, 12),
        ),
        (
            request("GET", "/jobs/job-1/shards/000002.safetensors"),
            Seen("job-1", Operation.GROUP_READ, 2),
        ),
        (request("PUT", "/b/jobs/job-1/parts/000000.json"), Seen("job-1", Operation.GROUP_WRITE)),
        (request("PUT", "/b/jobs/job-1/map/x/manifest.json"), Seen("job-1", Operation.MAP_WRITE)),
        (request("PUT", "/b/jobs/job-1/report.json"), Seen("job-1", Operation.REPORT_WRITE)),
        (request("GET", "/b/jobs/job-1/report.json"), None),
        (request("GET", "/_http_api/a1/jobs/job-1"), Seen("job-1", Operation.STATUS)),
        (request("GET", "/_http_api/a1/jobs/job-2"), None),
        (request("PUT", "/b/jobs/job-2/report.json"), None),
        (request("DELETE", "/b/jobs/job-1/report.json"), None),
    ],
)
def test_requests_are_known_by_path_and_range(environ, expected) -> None:
    assert seen(environ, JOBS, submitted="") == expected


def test_range_is_counted_in_images_after_the_header() -> None:
    one_each = Watched("job-1", WATCHED.images_key, 1)
    first = 16 + 7 * 784
    environ = request("GET", "/b/inputs/abc/images.idx", HTTP_RANGE=f"bytes={first}-{first + 783}")
    found = seen(environ, {"job-1": one_each, one_each.images_key: one_each}, submitted="")
    assert found == Seen("job-1", Operation.SHARD_READ, 7)


def fault(number: int = 0, **changes: Any) -> Fault:
    return Fault(
        number=number, kind=Kind.S3_ERROR, operation=Operation.SHARD_READ, shard=3, **changes
    )


def served(front: Front, environ: dict[str, Any]) -> Iterable[bytes]:
    application = front.wrap(lambda environ, _: [environ["wsgi.input"].read() or b"cloud"])
    return application(environ, lambda *_: lambda _: None)


def armed(*faults: Fault) -> Front:
    front = Front()
    strikes = tuple((one, lambda _, n=one.number: [f"fault {n}".encode()]) for one in faults)
    front.watch(Armed(WATCHED, strikes))
    return front


def test_fault_strikes_from_its_occurrence_on_as_often_as_planned() -> None:
    front = armed(fault(occurrence=2, times=2))
    answers = [served(front, read(3)) for _ in range(5)]
    assert answers == [[b"cloud"], [b"fault 0"], [b"fault 0"], [b"cloud"], [b"cloud"]]


def test_fault_leaves_other_shards_alone() -> None:
    front = armed(fault())
    assert served(front, read(2)) == [b"cloud"]


def test_two_faults_at_one_request_strike_one_after_the_other() -> None:
    front = armed(fault(0), fault(1))
    assert [served(front, read(3)) for _ in range(3)] == [[b"fault 0"], [b"fault 1"], [b"cloud"]]


def test_disarmed_job_is_left_alone() -> None:
    front = armed(fault())
    front.disarm("job-1")
    assert served(front, read(3)) == [b"cloud"]


def test_submission_is_known_by_its_body_which_stays_readable() -> None:
    submit = Fault(number=0, kind=Kind.CLIENT, operation=Operation.SUBMIT, occurrence=2)
    front = armed(submit)
    body = json.dumps({"job_id": "job-1"}).encode()
    answers = [served(front, request("POST", "/_http_api/a1/jobs", body)) for _ in range(2)]
    assert answers == [[body], [b"fault 0"]]


def test_front_that_is_out_resets_every_connection() -> None:
    front = Front()
    front.go_out(60)
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(ConnectionResetError):
        served(front, {**request("GET", "/anything"), "werkzeug.socket": ours})
    assert front.dropped_while_out == 1
