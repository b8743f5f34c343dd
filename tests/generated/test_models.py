"""The generated models: what they read, keep, write, refuse and hide."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mincloud_api import AuthenticatedClient, models
from mincloud_api.types import InvalidValue

from scripts.contract.document import CONTRACT, read_document
from scripts.contract.document import mappings, resolved

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.slow

DOCUMENT = read_document(CONTRACT)[0]
SCHEMAS: dict[str, dict[str, Any]] = {
    name: schema for name, schema in DOCUMENT["components"]["schemas"].items() if "properties" in schema
}
SECRET = "not-a-real-secret-1f0c"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def model_of(name: str) -> Any:
    return getattr(models, name)


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Every value that a schema of the contract allows."""
    schema = resolved(DOCUMENT, schema)
    if "allOf" in schema:
        [schema] = schema["allOf"]
        return values(schema)
    kinds: dict[str, st.SearchStrategy[Any]] = {
        "string": st.text(min_size=schema.get("minLength", 0)),
        "integer": st.integers(),
        # A whole number is a number too.
        "number": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
        "boolean": st.booleans(),
    }
    match schema:
        case {"enum": allowed}:
            strategy: st.SearchStrategy[Any] = st.sampled_from(allowed)
        case {"type": "object", **rest}:
            strategy = objects(rest)
        case {"type": "array", "items": items}:
            strategy = st.lists(values(items), max_size=3)
        case {"type": kind}:
            strategy = kinds[kind]
        case _:
            strategy = json_values
    return st.none() | strategy if schema.get("nullable") else strategy


def objects(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    properties: dict[str, Any] = schema.get("properties", {})
    required = set(schema.get("required", []))
    known = st.fixed_dictionaries(
        {name: values(properties[name]) for name in properties if name in required},
        optional={name: values(properties[name]) for name in properties if name not in required},
    )
    unknown = st.dictionaries(st.text().filter(lambda name: name not in properties), json_values, max_size=2)
    return st.tuples(known, unknown).map(lambda parts: {**parts[0], **parts[1]})


def as_written(schema: dict[str, Any], value: Any) -> Any:
    """What a model writes of a value that it read: the same, without the listed fields that are null and may be left out."""
    schema = resolved(DOCUMENT, schema)
    if isinstance(value, list) and "items" in schema:
        return [as_written(schema["items"], item) for item in cast("Sequence[Any]", value)]
    if not isinstance(value, dict) or "properties" not in schema:
        return cast("Any", value)
    properties: dict[str, Any] = schema["properties"]
    return {
        name: as_written(properties[name], item) if name in properties else item
        for name, item in cast("dict[str, Any]", value).items()
        if item is not None or name not in properties or name in schema.get("required", [])
    }


@pytest.mark.parametrize("name", SCHEMAS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_whatever_the_contract_allows_is_read_and_written_back_equal(name: str, data: st.DataObject) -> None:
    value = data.draw(values(SCHEMAS[name]))

    model = model_of(name).from_dict(value)

    assert model.to_dict() == as_written(SCHEMAS[name], value)
    assert model_of(name).from_dict(model.to_dict()) == model


@pytest.mark.parametrize("name", SCHEMAS)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_a_model_that_was_copied_or_pickled_is_written_the_same(name: str, data: st.DataObject) -> None:
    model = model_of(name).from_dict(data.draw(values(SCHEMAS[name])))

    for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other == model
        assert other.to_dict() == model.to_dict()


def test_every_object_of_the_contract_has_a_model() -> None:
    assert [name for name in SCHEMAS if not hasattr(models, name)] == []


def test_an_unknown_value_of_an_open_enum_is_kept() -> None:
    job = models.Job.from_dict({"id": 1, "status": "paused", "source": "webhook", "service_type": "realtime"})
    function = models.CloudFunction.from_dict({"name": "greet", "audit_status": "frozen", "plan_circle": "P_TEAM"})

    assert (job.status, job.source, job.service_type) == ("paused", "webhook", "realtime")
    assert (function.audit_status, function.plan_circle) == ("frozen", "P_TEAM")
    assert models.InvocationResult.from_dict({"code": 7}).code == 7
    assert models.InvocationAccepted.from_dict({"status": "queued"}).status == "queued"


def test_an_unknown_field_is_kept_and_written_back() -> None:
    job = models.Job.from_dict({"id": 1, "status": "fulfilled", "retries": None, "region": {"name": "cn"}})

    assert job.additional_keys == ["retries", "region"]
    assert job["region"] == {"name": "cn"}
    assert job.to_dict() == {"id": 1, "status": "fulfilled", "retries": None, "region": {"name": "cn"}}


@pytest.mark.parametrize("name", SCHEMAS)
def test_null_in_a_field_that_may_be_left_out_reads_as_left_out(name: str) -> None:
    schema = SCHEMAS[name]
    optional = [key for key in schema["properties"] if key not in schema.get("required", [])]
    least = {key: least_of(schema["properties"][key]) for key in schema.get("required", [])}

    with_nulls = model_of(name).from_dict({**least, **dict.fromkeys(optional)})

    assert with_nulls == model_of(name).from_dict(least)
    assert with_nulls.to_dict() == least


def least_of(schema: dict[str, Any]) -> Any:
    schema = resolved(DOCUMENT, schema)
    if "enum" in schema:
        return schema["enum"][0]
    least: dict[str, Any] = {"string": "x", "integer": 1, "number": 1.5, "boolean": True, "object": {}, "array": []}
    return least[schema["type"]]


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, schema in SCHEMAS.items() for field in schema.get("required", [])]
)
def test_a_required_field_that_is_missing_or_null_is_named(name: str, field: str) -> None:
    schema = SCHEMAS[name]
    least = {key: least_of(schema["properties"][key]) for key in schema["required"] if key != field}

    for value in (least, {**least, field: None}):
        with pytest.raises(InvalidValue) as caught:
            model_of(name).from_dict(value)
        assert (caught.value.path, str(caught.value)) == (field, f"{field}: is missing")


def wrong_fields() -> list[tuple[str, str, object]]:
    wrong: dict[str, list[object]] = {
        "string": [1, True, ["x"], {}],
        "integer": ["1", True, 1.5, [], 1e400],
        "number": ["1.5", False, {}],
        "boolean": [1, "true"],
        "object": ["x", 1, []],
        "array": ["x", {}],
    }
    return [
        (name, field, value)
        for name, schema in SCHEMAS.items()
        for field, described in schema["properties"].items()
        for value in wrong.get(kind_of(described), [])
    ]


def kind_of(schema: dict[str, Any]) -> str:
    schema = resolved(DOCUMENT, schema)
    return kind_of(schema["allOf"][0]) if "allOf" in schema else str(schema.get("type"))


@pytest.mark.parametrize(("name", "field", "value"), wrong_fields())
def test_a_field_of_another_type_is_named_and_its_value_not_shown(name: str, field: str, value: object) -> None:
    schema = SCHEMAS[name]
    least = {key: least_of(schema["properties"][key]) for key in schema.get("required", [])}

    with pytest.raises(InvalidValue) as caught:
        model_of(name).from_dict({**least, field: value})

    assert caught.value.path == field
    assert str(caught.value).startswith(f"{field}: expected ")


def test_a_value_that_is_wrong_is_described_by_its_type_alone() -> None:
    with pytest.raises(InvalidValue) as caught:
        models.AccessToken.from_dict({"access_token": [SECRET]})

    assert str(caught.value) == "access_token: expected a string, not a list"
    assert SECRET not in repr(caught.value)


def test_a_problem_deep_in_a_page_says_where_it_is_and_survives_pickling() -> None:
    jobs: list[dict[str, Any]] = [{"id": number, "status": "fulfilled"} for number in range(5)]
    jobs[3]["id"] = "3"

    with pytest.raises(InvalidValue) as caught:
        models.JobPage.from_dict({"meta": {}, "objects": jobs})

    error = caught.value
    assert (error.path, error.problem) == ("objects[3].id", "expected an integer, not a string")
    again = pickle.loads(pickle.dumps(error))
    assert (again.path, again.problem, str(again)) == (error.path, error.problem, str(error))


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"meta": {}, "objects": [{"id": 1, "status": "fulfilled"}, 7]}, "objects[1]"),
        ({"meta": {}, "objects": {}}, "objects"),
        ({"meta": {"total_count": "9"}, "objects": []}, "meta.total_count"),
        ({"meta": [], "objects": []}, "meta"),
        ([], ""),
    ],
)
def test_the_path_of_a_problem_leads_to_it(value: Any, path: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        models.JobPage.from_dict(value)

    assert caught.value.path == path


def test_a_whole_number_is_an_integer_and_an_integer_is_a_number() -> None:
    job = models.Job.from_dict({"id": 1.0, "status": "fulfilled", "created_at": 1537505171})

    assert (type(job.id), job.id) == (int, 1)
    assert (type(job.created_at), job.created_at) == (float, 1537505171.0)


def test_a_request_refuses_a_value_that_its_enum_does_not_know() -> None:
    with pytest.raises(InvalidValue, match=r"^plan_circle: expected one of the values of Plan, not a string$"):
        models.UpdateFunctionRequest.from_dict({"plan_circle": "P_TEAM"})


def test_no_request_can_have_a_field_that_is_null() -> None:
    # The models write None as absent, so a request could not say null.
    requests = ("Request", "Grant")
    nullable = [
        place
        for name, schema in SCHEMAS.items()
        if name.endswith(requests)
        for place, node in mappings(schema, (name,))
        if node.get("nullable") is True
    ]

    assert nullable == []
    assert models.UpdateFunctionRequest(remark=None, name="greet").to_dict() == {"name": "greet"}


SECRETS = [
    (name, field)
    for name, schema in SCHEMAS.items()
    for field, described in schema["properties"].items()
    if described.get("x-secret")
]


@pytest.mark.parametrize(("name", "field"), SECRETS)
def test_a_secret_is_not_in_the_repr(name: str, field: str) -> None:
    schema = SCHEMAS[name]
    least = {key: least_of(schema["properties"][key]) for key in schema.get("required", [])}

    model = model_of(name).from_dict({**least, field: SECRET, "another_token": SECRET})

    assert getattr(model, field) == SECRET
    assert SECRET not in repr(model)
    assert SECRET not in str(model)


def test_there_are_secrets_to_hide() -> None:
    assert {field for _, field in SECRETS} == {
        *("client_secret", "code", "access_token", "refresh_token", "user_log_url"),
    }


def test_a_page_does_not_show_the_secrets_of_its_jobs() -> None:
    job = {"id": 1, "status": "fulfilled", "user_log_url": f"https://logs.example/1?signature={SECRET}"}

    assert SECRET not in repr(models.JobPage.from_dict({"meta": {}, "objects": [job]}))


def test_the_client_does_not_show_its_token() -> None:
    client = AuthenticatedClient(base_url="http://127.0.0.1:1", token=SECRET)
    assert SECRET not in repr(client)

    with client:
        assert client.get_httpx_client().headers["Authorization"] == f"Bearer {SECRET}"
        assert SECRET not in repr(client)
        assert SECRET not in repr(client.with_headers({"Authorization": f"Bearer {SECRET}"}))


def test_a_model_has_no_hash_and_says_why() -> None:
    with pytest.raises(TypeError, match=r"^a Job can be changed, so it has no hash: use a field of it as the key"):
        hash(models.Job(id=1, status="fulfilled"))
