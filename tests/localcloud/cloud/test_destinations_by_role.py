"""Records of asynchronous invocations are sent with the permissions of the function's role.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

from __future__ import annotations

import io
import json
import threading
import zipfile

from localcloud.cloud import Cloud


def policy(**statement: object) -> str:
    allowed = {"Effect": "Allow", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


def test_record_arrives_once_the_role_may_send_it(caplog):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("handler.py", "def handler(event, context):\n    return event\n")
    with Cloud() as cloud:
        iam, sqs, functions = (cloud.context.client(name) for name in ("iam", "sqs", "lambda"))
        url = sqs.create_queue(QueueName="records")["QueueUrl"]
        where = f"{cloud.context.region}:{cloud.context.account}"
        queue = f"arn:aws:sqs:{where}:records"
        trust = policy(Action="sts:AssumeRole", Principal={"Service": "lambda.amazonaws.com"})
        role = iam.create_role(RoleName="telling", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        functions.create_function(
            FunctionName="telling",
            Role=role,
            Runtime="python3.13",
            Handler="handler.handler",
            Code={"ZipFile": archive.getvalue()},
        )
        functions.put_function_event_invoke_config(
            FunctionName="telling", DestinationConfig={"OnSuccess": {"Destination": queue}}
        )
        functions.invoke(FunctionName="telling", InvocationType="Event", Payload=b'{"shard": 1}')
        while f"not delivered to {queue}" not in caplog.text:
            threading.Event().wait(0.01)
        assert "AccessDenied" in caplog.text
        sends = policy(Action="sqs:SendMessage", Resource=queue)
        iam.put_role_policy(RoleName="telling", PolicyName="sends", PolicyDocument=sends)
        functions.invoke(FunctionName="telling", InvocationType="Event", Payload=b'{"shard": 2}')
        (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert json.loads(message["Body"])["requestPayload"] == {"shard": 2}
