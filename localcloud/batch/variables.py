"""The environment variables of a job's container.

Batch's own win over the job's. As on an instance of EC2, no region is set: a job that needs one
has it in its definition. What differs from AWS: keys of the job's role stand where the agent's
credentials endpoint would, and AWS_ENDPOINT_URL and AWS_ALLOW_HTTP lead to this cloud.
https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from localcloud.batch.jobs import Job
from localcloud.context import CloudContext
from localcloud.identity.sessions import Session
from localcloud.images.store import Image


def container_variables(
    context: CloudContext,
    job: Job,
    image: Image,
    *,
    environment_name: str,
    credentials: Session | None,
    folder: Path,
) -> dict[str, str]:
    """All variables of one attempt's process."""
    return {
        "PATH": f"{Path(image.python).parent}:/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":/etc/localtime",
        **image.environment,
        **job.container.environment,
        **_of_batch(job, environment_name),
        **_of_role(credentials),
        "AWS_EXECUTION_ENV": "AWS_ECS_EC2",
        "AWS_ENDPOINT_URL": context.endpoint,
        "AWS_ALLOW_HTTP": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        "LAMBDA_TASK_ROOT": image.task,
        "HOME": str(folder),
        "TMPDIR": str(folder),
    }


def _of_batch(job: Job, environment_name: str) -> Mapping[str, str]:
    variables = {
        "AWS_BATCH_CE_NAME": environment_name,
        "AWS_BATCH_JOB_ATTEMPT": str(len(job.attempts) + 1),
        "AWS_BATCH_JOB_ID": job.job_id,
        "AWS_BATCH_JQ_NAME": job.queue.name,
    }
    if job.array is not None:
        variables["AWS_BATCH_JOB_ARRAY_INDEX"] = str(job.index)
        variables["AWS_BATCH_JOB_ARRAY_SIZE"] = str(len(job.array.children))
    return variables


def _of_role(credentials: Session | None) -> Mapping[str, str]:
    if credentials is None:
        return {}
    return {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
        "AWS_SESSION_TOKEN": credentials.session_token,
    }
