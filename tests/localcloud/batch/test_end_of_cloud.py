"""A cloud that is stopped while jobs run leaves nothing of them."""

from __future__ import annotations

from pathlib import Path

import psutil

from tests.localcloud.batch.bench import reaches_output


def test_stopping_the_cloud_leaves_no_container_and_no_folder(fresh_cloud, tmp_path):
    pid_file = tmp_path / "pid"
    with fresh_cloud() as bench:
        command = f'trap "" TERM; echo $$ > {pid_file}; echo ready; sleep 600; sleep 600'
        queue = bench.queue()
        job_id = bench.submit(command, queue=queue)
        bench.submit("true", queue=queue, dependsOn=[{"jobId": job_id}])
        reaches_output(bench, job_id, "ready")
        folder = Path(bench.cloud.context.state_dir)
        assert bench.cloud.batch.running_processes() == [int(pid_file.read_text())]
    assert not psutil.pid_exists(int(pid_file.read_text()))
    assert not folder.exists()
