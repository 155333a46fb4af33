#!/bin/sh
# One image, two entries. AWS Batch runs an image's own ENTRYPOINT, and the Lambda base image's
# would wait for a runtime API that is not there; so a Batch job is told by the variable that Batch
# sets, and everything else goes on as the base image would have it.
# https://docs.aws.amazon.com/batch/latest/userguide/job_env_vars.html
if [ -n "$AWS_BATCH_JOB_ID" ]; then
    cd "$LAMBDA_TASK_ROOT" && exec python3 -m batch
fi
exec /lambda-entrypoint.sh "$@"
