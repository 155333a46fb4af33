from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localcloud.cloud import Cloud
from localcloud.residue import Inventory, Leftover, bootstrap_resources, difference, snapshot

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {
                    "AWS": "123456789012",
                    "Service": ["lambda.amazonaws.com", "states.amazonaws.com"],
                },
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def now(cloud: Cloud) -> Inventory:
    return snapshot(cloud.context, cloud.functions, cloud.cloudformation, cloud.batch)


def zip_file() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("handler.py", "def handler(event, context): return event")
    return file.getvalue()


def role(cloud: Cloud, name: str) -> str:
    iam = cloud.context.client("iam")
    return iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]


def plant_bucket(cloud: Cloud) -> Callable[[], Any]:
    s3 = cloud.context.client("s3")
    s3.create_bucket(Bucket="forgotten")
    return lambda: s3.delete_bucket(Bucket="forgotten")


def plant_log_group(cloud: Cloud) -> Callable[[], Any]:
    logs = cloud.context.client("logs")
    logs.create_log_group(logGroupName="forgotten")
    return lambda: logs.delete_log_group(logGroupName="forgotten")


def plant_role(cloud: Cloud) -> Callable[[], Any]:
    role(cloud, "forgotten")
    return lambda: cloud.context.client("iam").delete_role(RoleName="forgotten")


def function(cloud: Cloud, name: str) -> Any:
    client = cloud.context.client("lambda")
    return client.create_function(
        FunctionName=name,
        Role="arn:aws:iam::123456789012:role/kept",
        Runtime="python3.13",
        Handler="handler.handler",
        Code={"ZipFile": zip_file()},
        Publish=True,
    )


def plant_function(cloud: Cloud) -> Callable[[], Any]:
    function(cloud, "forgotten")
    return lambda: cloud.context.client("lambda").delete_function(FunctionName="forgotten")


def plant_state_machine(cloud: Cloud) -> Callable[[], Any]:
    client = cloud.context.client("stepfunctions")
    definition = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
    machine = client.create_state_machine(
        name="forgotten",
        definition=json.dumps(definition),
        roleArn="arn:aws:iam::123456789012:role/kept",
    )
    return lambda: client.delete_state_machine(stateMachineArn=machine["stateMachineArn"])


def plant_api(cloud: Cloud) -> Callable[[], Any]:
    client = cloud.context.client("apigatewayv2")
    api = client.create_api(Name="forgotten", ProtocolType="HTTP")
    return lambda: client.delete_api(ApiId=api["ApiId"])


def plant_parameter(cloud: Cloud) -> Callable[[], Any]:
    client = cloud.context.client("ssm")
    client.put_parameter(Name="forgotten", Value="1", Type="String")
    return lambda: client.delete_parameter(Name="forgotten")


def plant_scalable_target(cloud: Cloud) -> Callable[[], Any]:
    client = cloud.context.client("application-autoscaling")
    target = {
        "ServiceNamespace": "lambda",
        "ResourceId": "function:kept:forgotten",
        "ScalableDimension": "lambda:function:ProvisionedConcurrency",
    }
    # No environment is started for it: its process would be another leftover.
    client.register_scalable_target(**target, MinCapacity=0, MaxCapacity=2)
    return lambda: client.deregister_scalable_target(**target)


def plant_alarm(cloud: Cloud) -> Callable[[], Any]:
    client = cloud.context.client("cloudwatch")
    client.put_metric_alarm(
        AlarmName="forgotten",
        MetricName="Errors",
        Namespace="AWS/Lambda",
        Period=60,
        Statistic="Sum",
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    return lambda: client.delete_alarms(AlarmNames=["forgotten"])


def plant_topic(cloud: Cloud) -> Callable[[], Any]:
    client = cloud.context.client("sns")
    topic = client.create_topic(Name="forgotten")["TopicArn"]
    return lambda: client.delete_topic(TopicArn=topic)


def plant_queue(cloud: Cloud) -> Callable[[], Any]:
    client = cloud.context.client("sqs")
    url = client.create_queue(QueueName="forgotten")["QueueUrl"]
    return lambda: client.delete_queue(QueueUrl=url)


def plant_key(cloud: Cloud) -> Callable[[], Any]:
    client = cloud.context.client("kms")
    client.create_key(Description="forgotten")
    return lambda: None


def plant_network(cloud: Cloud) -> Callable[[], Any]:
    ec2 = cloud.context.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/17")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=vpc,
        ServiceName="com.amazonaws.us-east-1.s3",
        VpcEndpointType="Gateway",
        RouteTableIds=[table],
    )["VpcEndpoint"]["VpcEndpointId"]
    volume = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    template = ec2.create_launch_template(
        LaunchTemplateName="forgotten", LaunchTemplateData={"EbsOptimized": True}
    )["LaunchTemplate"]["LaunchTemplateId"]
    launched = ec2.run_instances(
        ImageId="ami-12345678", MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[group]
    )["Instances"][0]
    interface = launched["NetworkInterfaces"][0]["NetworkInterfaceId"]

    def delete() -> None:
        ec2.terminate_instances(InstanceIds=[launched["InstanceId"]])
        ec2.delete_network_interface(NetworkInterfaceId=interface)
        ec2.delete_launch_template(LaunchTemplateId=template)
        ec2.delete_volume(VolumeId=volume)
        ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint])
        ec2.delete_route_table(RouteTableId=table)
        ec2.delete_internet_gateway(InternetGatewayId=gateway)
        ec2.delete_security_group(GroupId=group)
        ec2.delete_subnet(SubnetId=subnet)
        ec2.delete_vpc(VpcId=vpc)

    delete.planted = {  # type: ignore[attr-defined]
        *(vpc, subnet, group, gateway, table, endpoint, volume, template, interface),
        launched["InstanceId"],
    }
    return delete


def plant_instance_profile(cloud: Cloud) -> Callable[[], Any]:
    iam = cloud.context.client("iam")
    iam.create_instance_profile(InstanceProfileName="forgotten")
    return lambda: iam.delete_instance_profile(InstanceProfileName="forgotten")


def plant_job_definition(cloud: Cloud) -> Callable[[], Any]:
    batch = cloud.context.client("batch")
    arn = batch.register_job_definition(
        jobDefinitionName="forgotten",
        type="container",
        containerProperties={"image": "i", "vcpus": 1, "memory": 64},
    )["jobDefinitionArn"]
    return lambda: batch.deregister_job_definition(jobDefinition=arn)


PLANTS = {
    "batch": plant_job_definition,
    "s3": plant_bucket,
    "logs": plant_log_group,
    "iam": plant_role,
    "lambda": plant_function,
    "stepfunctions": plant_state_machine,
    "apigatewayv2": plant_api,
    "ssm": plant_parameter,
    "application-autoscaling": plant_scalable_target,
    "cloudwatch": plant_alarm,
    "sns": plant_topic,
    "sqs": plant_queue,
}


@pytest.fixture(scope="module")
def used_cloud(cloud: Cloud) -> Cloud:
    role(cloud, "kept")
    cloud.context.client("s3").create_bucket(Bucket="kept")
    version = function(cloud, "kept")["Version"]
    cloud.context.client("lambda").create_alias(
        FunctionName="kept", Name="forgotten", FunctionVersion=version
    )
    return cloud


@pytest.fixture
def cloud_to_bootstrap(cloud: Cloud) -> Iterator[Cloud]:
    yield cloud
    cloudformation = cloud.context.client("cloudformation")
    cloudformation.delete_stack(StackName="CDKToolkit")
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName="CDKToolkit", WaiterConfig={"Delay": 0.05}
    )


@pytest.mark.parametrize("service", PLANTS)
def test_residue_names_what_was_planted_and_nothing_once_it_is_deleted(used_cloud, service):
    before = now(used_cloud)
    delete = PLANTS[service](used_cloud)
    left = difference(before, now(used_cloud))
    assert left
    assert {leftover.service for leftover in left} == {service}
    assert any("forgotten" in leftover.key for leftover in left)
    delete()
    assert difference(before, now(used_cloud)) == []


def test_residue_names_every_part_of_a_network_and_instances(used_cloud):
    before = now(used_cloud)
    delete: Any = plant_network(used_cloud)
    left = difference(before, now(used_cloud))
    assert {leftover.service for leftover in left} == {"ec2"}
    root = {leftover.key for leftover in left} - delete.planted
    # The volume that the instance was launched with.
    assert all(key.startswith("vol-") for key in root)
    assert {leftover.key for leftover in left} >= delete.planted
    delete()
    assert difference(before, now(used_cloud)) == []


def test_residue_names_an_instance_profile(used_cloud):
    before = now(used_cloud)
    delete = plant_instance_profile(used_cloud)
    assert any("forgotten" in left.key for left in difference(before, now(used_cloud)))
    delete()
    assert difference(before, now(used_cloud)) == []


def test_residue_names_a_resource_whose_name_is_random(used_cloud):
    before = now(used_cloud)
    plant_key(used_cloud)
    (left,) = difference(before, now(used_cloud))
    assert (left.service, left.region, left.collection) == ("kms", "us-east-1", "keys")


def test_residue_of_a_new_resource_is_one_entry_whatever_is_in_it(used_cloud):
    before = now(used_cloud)
    delete = plant_bucket(used_cloud)
    s3 = used_cloud.context.client("s3")
    for number in range(3):
        s3.put_object(Bucket="forgotten", Key=str(number), Body=b"x")
    left = difference(before, now(used_cloud))
    s3.delete_objects(
        Bucket="forgotten", Delete={"Objects": [{"Key": str(number)} for number in range(3)]}
    )
    delete()
    assert left == [Leftover("s3", "aws", "buckets", "forgotten")]


def test_residue_names_what_was_added_to_a_resource_that_was_there(used_cloud):
    before = now(used_cloud)
    s3 = used_cloud.context.client("s3")
    s3.put_object(Bucket="kept", Key="left/behind", Body=b"x")
    left = difference(before, now(used_cloud))
    s3.delete_object(Bucket="kept", Key="left/behind")
    assert [leftover.service for leftover in left] == ["s3"]
    assert "left/behind" in left[0].key


def test_residue_has_processes_and_ports_of_functions(used_cloud):
    before = now(used_cloud)
    functions: Any = used_cloud.functions
    functions.processes.append(4711)
    functions.ports.append(50123)
    left = difference(before, now(used_cloud))
    functions.processes.clear()
    functions.ports.clear()
    assert [str(leftover) for leftover in left] == [
        "ports runtime-api port 50123",
        "processes environments pid 4711",
    ]


def test_residue_leaves_out_what_a_service_has_by_itself(used_cloud):
    before = now(used_cloud)
    used_cloud.context.client("events").list_event_buses()
    assert difference(before, now(used_cloud)) == []


def test_residue_leaves_out_metrics_and_temporary_credentials(used_cloud):
    before = now(used_cloud)
    used_cloud.context.client("cloudwatch").put_metric_data(
        Namespace="shpc", MetricData=[{"MetricName": "shards", "Value": 1}]
    )
    used_cloud.context.client("sts").assume_role(
        RoleArn="arn:aws:iam::123456789012:role/kept", RoleSessionName="any"
    )
    assert difference(before, now(used_cloud)) == []


def test_residue_leaves_out_the_bootstrap_stacks_resources_and_their_content(cloud_to_bootstrap):
    used_cloud = cloud_to_bootstrap
    assert bootstrap_resources(used_cloud.context) == frozenset()
    before = now(used_cloud)
    template = {"Resources": {"Staging": {"Type": "AWS::S3::Bucket"}}}
    cloudformation = used_cloud.context.client("cloudformation")
    cloudformation.create_stack(StackName="CDKToolkit", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="CDKToolkit", WaiterConfig={"Delay": 0.05}
    )
    after = now(used_cloud)
    bootstrap = bootstrap_resources(used_cloud.context)
    (staging,) = bootstrap - {"CDKToolkit"}
    assert {leftover.key for leftover in difference(before, after)} == {"CDKToolkit", staging}
    assert difference(before, after, bootstrap) == []
    s3 = used_cloud.context.client("s3")
    s3.put_object(Bucket=staging, Key="asset.zip", Body=b"x")
    with_asset = now(used_cloud)
    s3.delete_object(Bucket=staging, Key="asset.zip")
    assert difference(after, with_asset, bootstrap) == []
    assert difference(after, with_asset) != []
