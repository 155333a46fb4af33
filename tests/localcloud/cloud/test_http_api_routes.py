from __future__ import annotations

from dataclasses import replace

import pytest

ROUTES = (
    "POST /jobs",
    "GET /jobs/{id}",
    "GET /jobs/latest",
    "ANY /files/{proxy+}",
    "GET /files/index",
    "GET /files/{name}",
    "ANY /any",
    "PUT /any",
)


@pytest.fixture(scope="module")
def deployed(apis):
    return apis.deploy(*ROUTES)


@pytest.fixture
def api(deployed, handlers):
    handlers[deployed.function] = lambda event: [event["routeKey"], event.get("pathParameters")]
    return deployed


@pytest.mark.parametrize(
    ("method", "path", "route", "parameters"),
    [
        ("POST", "/jobs", "POST /jobs", None),
        ("POST", "/jobs/", "POST /jobs", None),
        ("GET", "/jobs/a-1", "GET /jobs/{id}", {"id": "a-1"}),
        ("GET", "/jobs/caf%C3%A9%20x", "GET /jobs/{id}", {"id": "café x"}),
        ("GET", "/jobs/latest", "GET /jobs/latest", None),
        ("GET", "/files/a/b/c.idx", "ANY /files/{proxy+}", {"proxy": "a/b/c.idx"}),
        ("GET", "/files/index", "GET /files/index", None),
        ("GET", "/files/one", "GET /files/{name}", {"name": "one"}),
        ("DELETE", "/files/one", "ANY /files/{proxy+}", {"proxy": "one"}),
        ("PATCH", "/any", "ANY /any", None),
        ("PUT", "/any", "PUT /any", None),
    ],
)
def test_most_specific_route_answers(api, method, path, route, parameters):
    assert api.request(method, path).json() == [route, parameters]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/jobs"), ("POST", "/jobs/1"), ("GET", "/"), ("GET", "/files/"), ("GET", "/jobs/1/2")],
)
def test_no_route_is_404(api, method, path):
    answer = api.request(method, path)
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_default_route_answers_what_no_other_does(apis, handlers):
    api = apis.deploy("POST /jobs", "$default")
    handlers[api.function] = lambda event: event["routeKey"]
    assert api.request("POST", "/jobs").text == "POST /jobs"
    assert api.request("GET", "/else/where").text == "$default"
    assert api.request("GET", "").text == "$default"


def test_named_stage_is_part_of_the_path_and_not_of_the_route(apis, handlers):
    api = apis.deploy("GET /jobs", stage="beta")
    handlers[api.function] = lambda event: [event["rawPath"], event["requestContext"]["stage"]]
    assert api.request("GET", "/beta/jobs").json() == ["/beta/jobs", "beta"]
    assert api.request("GET", "/jobs").status_code == 404


def test_unknown_api_is_404(api):
    assert replace(api, api_id="nowhere").request("POST", "/jobs").status_code == 404


def test_deleted_api_is_404(apis, cloud):
    api = apis.deploy("POST /jobs")
    cloud.context.client("apigatewayv2").delete_api(ApiId=api.api_id)
    assert api.request("POST", "/jobs").status_code == 404


def test_endpoint_of_an_api_is_where_it_answers(cloud, api):
    told = cloud.context.client("apigatewayv2").get_api(ApiId=api.api_id)
    assert told["ApiEndpoint"] == api.url


def test_api_without_permission_is_500_and_says_why_in_the_log(apis, handlers, caplog):
    api = apis.deploy("GET /jobs", permitted=None)
    handlers[api.function] = lambda event: "called"
    answer = api.request("GET", "/jobs")
    assert (answer.status_code, answer.json()) == (500, {"message": "Internal Server Error"})
    assert "does not allow apigateway.amazonaws.com to invoke it" in caplog.text


@pytest.mark.parametrize(
    ("permitted", "fields", "status"),
    [
        ("/*/*/jobs/{id}", {}, 200),
        ("/$default/GET/jobs/{id}", {}, 200),
        ("/*/POST/jobs/{id}", {}, 500),
        ("/*/*/other", {}, 500),
        ("/*", {"Principal": "s3.amazonaws.com"}, 500),
        ("/*", {"Action": "lambda:GetFunction"}, 500),
        ("/*", {"SourceAccount": "210987654321"}, 500),
        ("/*", {"SourceAccount": "123456789012"}, 200),
    ],
)
def test_permission_holds_for_its_principal_action_source_and_account(
    apis, handlers, permitted, fields, status
):
    api = apis.deploy("GET /jobs/{id}", permitted=None)
    apis.permit(api.function, f"{api.api_id}{permitted}", **fields)
    handlers[api.function] = lambda event: "called"
    assert api.request("GET", "/jobs/1").status_code == status


@pytest.mark.parametrize(("permitted", "status"), [("/*/*", 200), ("/*/*/jobs", 500)])
def test_permission_of_the_default_route_names_no_path(apis, handlers, permitted, status):
    api = apis.deploy("$default", permitted=permitted)
    handlers[api.function] = lambda event: "called"
    assert api.request("GET", "/jobs").status_code == status


def test_permission_of_another_qualifier_is_none(apis, handlers, cloud):
    api = apis.deploy("GET /jobs", permitted=None)
    cloud.context.client("lambda").create_alias(
        FunctionName=api.function, Name="other", FunctionVersion="1"
    )
    apis.permit(api.function, f"{api.api_id}/*", Qualifier="other")
    handlers[api.function] = lambda event: "called"
    assert api.request("GET", "/jobs").status_code == 500


def test_integration_of_a_deleted_function_is_500(apis, cloud):
    api = apis.deploy("GET /jobs")
    cloud.context.client("lambda").delete_function(FunctionName=api.function)
    assert api.request("GET", "/jobs").status_code == 500


def test_what_is_not_modelled_is_500_and_named_in_the_log(apis, handlers, cloud, caplog):
    api = apis.deploy("GET /jobs")
    client = cloud.context.client("apigatewayv2")
    (route,) = client.get_routes(ApiId=api.api_id)["Items"]
    client.update_route(ApiId=api.api_id, RouteId=route["RouteId"], AuthorizationType="JWT")
    assert api.request("GET", "/jobs").status_code == 500
    assert "not modelled in this cloud: authorization type 'JWT'" in caplog.text
