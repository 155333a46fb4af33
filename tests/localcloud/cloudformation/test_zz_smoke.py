import json, glob, time, pytest
def test_bucket(cloud):
    t={"Resources":{"B":{"Type":"AWS::S3::Bucket"},"P":{"Type":"AWS::SSM::Parameter","Properties":{"Type":"String","Value":{"Ref":"B"}}}},"Outputs":{"N":{"Value":{"Ref":"B"}}}}
    s=cloud.create("one",t); print(s)
    assert s["StackStatus"]=="CREATE_COMPLETE", cloud.reasons("one")
    print(cloud.statuses("one","B"))
    s=cloud.delete("one"); print(s); assert s["StackStatus"]=="DELETE_COMPLETE"
    assert cloud.client("s3").list_buckets()["Buckets"]==[]
@pytest.mark.parametrize("stage",["dev","prod"])
def test_real(cloud, stage):
    from localcloud.cloudformation.template.declarations import parse_template
    cloud.client("ssm").put_parameter(Name="/cdk-bootstrap/hnb659fds/version",Value="33",Type="String")
    s3=cloud.client("s3"); 
    for b in {"cdk-hnb659fds-assets-123456789012-us-east-1"}: s3.create_bucket(Bucket=b)
    names=["Storage","Functions","Workflow","Api"]
    man=json.load(open(f"/tmp/brief/cdk.out.{stage}/manifest.json"))
    done=[]
    for n in names:
        body=open(f"/tmp/brief/cdk.out.{stage}/{n}.template.json").read()
        for l in json.loads(body)["Resources"].values():
            c=l.get("Properties",{}).get("Code",{})
            if "S3Key" in c and isinstance(c["S3Key"],str): s3.put_object(Bucket="cdk-hnb659fds-assets-123456789012-us-east-1",Key=c["S3Key"],Body=open('/tmp/cfnscratch/x.zip','rb').read())
        st=man["artifacts"][n]["properties"].get("stackName",n); done.append(st)
        t=time.time()
        s=cloud.create(st,json.loads(body))
        print(st, s["StackStatus"], time.time()-t, s.get("Outputs"))
        assert s["StackStatus"]=="CREATE_COMPLETE", cloud.reasons(st)
    for st in done[::-1]:
        s=cloud.delete(st); print(st,s["StackStatus"], s.get("StackStatusReason"))
        assert s["StackStatus"]=="DELETE_COMPLETE", cloud.reasons(s["StackId"])
