"""Pages are the same with msgspec and without it, to the message of the error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mincloud_api.api import functions, jobs
from mincloud_api.models.page_meta import PageMeta

from mincloud import CloudFunction, InvalidResponse, Job, _paging, _responses
from mincloud._paging import PageReader
from mincloud._responses import APIResponse
from mincloud.transports import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

JOB = {
    "id": 779734,
    "status": "fulfilled",
    "created_at": 1528698893.345,
    "user_log_url": "https://logs.example/1?sign=x",
}
FUNCTION = {"name": "greet", "id": 7, "created_at": 1528698893, "remark": "", "function_code": "exports.main = () => 1"}
READERS: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "jobs": (Job, jobs.list_jobs.parse_success),
    "functions": (CloudFunction, functions.list_functions.parse_success),
}


def page(*objects: object, **meta: object) -> bytes:
    return json.dumps({"meta": {"total_count": len(objects), **meta}, "objects": objects}).encode()


def read(kind: str, body: bytes) -> object:
    request = Request("GET", "http://127.0.0.1/oserve/v1.3/cloud-function/")
    response = APIResponse(request, Response(200, (), body), secrets=tuple)
    try:
        return PageReader(*READERS[kind])(response)
    except InvalidResponse as error:
        return str(error)


def read_without_msgspec(kind: str, body: bytes) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_paging, "import_msgspec", lambda: None)
        patch.setattr(_responses, "import_msgspec", lambda: None)
        return read(kind, body)


numbers = st.integers() | st.floats(allow_nan=False) | st.integers(-(10**30), 10**30)
values = st.none() | st.booleans() | numbers | st.text(max_size=8) | st.lists(st.integers(), max_size=2)
likely = st.sampled_from([0, 1, 1.0, 1.5, "", "x", None, 1528698893.345])


def objects(known: dict[str, Any], *names: str) -> st.SearchStrategy[Any]:
    fields = st.dictionaries(st.sampled_from([*known, *names]), likely | values, max_size=4)
    return fields.map(lambda changed: {**known, **changed}) | fields | values


pages = st.tuples(
    st.dictionaries(st.sampled_from(["total_count", "limit", "next", "extra"]), likely | values, max_size=3) | values,
    st.lists(objects(JOB, "mem_usage", "source", "additional_properties", "extra"), max_size=3) | values,
    st.dictionaries(st.sampled_from(["meta", "objects", "extra"]), values, max_size=1),
).map(lambda parts: {"meta": parts[0], "objects": parts[1], **parts[2]})


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(sorted(READERS)), pages.map(json.dumps).map(str.encode) | st.binary(max_size=20))
@example("jobs", page(JOB, {**JOB, "id": 2}, next="/?offset=2"))
@example("functions", page(FUNCTION, {"name": "only"}))
@example("jobs", page({**JOB, "added_later": {"a": [1]}}))
@example("jobs", page({**JOB, "additional_properties": {"a": 1}}))
@example("jobs", page({**JOB, "id": 1.0, "created_at": 1}))
@example("jobs", page({**JOB, "id": 12345678901234567890123, "mem_usage": 1e3}))
@example("jobs", page({**JOB, "id": True}))
@example("jobs", page({"status": "fulfilled"}))
@example("jobs", page(JOB, total_count="1"))
@example("jobs", page(JOB).replace(b"fulfilled", b"\\ud800"))
@example("jobs", page(JOB).replace(b"1528698893.345", b"1e999"))
@example("jobs", page(JOB).replace(b"1528698893.345", b"NaN"))
@example("jobs", page(JOB).replace(b"fulfilled", b"\xff"))
@example("jobs", page(JOB) + b"x")
@example("jobs", b"")
@example("jobs", b'{"meta":{},"objects":[{"id":1,"id":2,"status":"x","status":"y"}]}')
@example("jobs", b'{"meta":{},"objects":' + b"[" * 100_000)
def test_msgspec_changes_nothing(kind: str, body: bytes) -> None:
    found, expected = read(kind, body), read_without_msgspec(kind, body)
    assert repr(found) == repr(expected)  # tells 1 from 1.0
    assert found == expected


@pytest.mark.parametrize(("kind", "known"), [("jobs", JOB), ("functions", FUNCTION)])
def test_what_the_contract_names_takes_the_quick_way(
    kind: str, known: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def parsed(*_: object) -> None:
        pytest.fail("the body was read by way of dicts")

    monkeypatch.setattr(APIResponse, "parsed", parsed)
    model, _ = READERS[kind]
    assert read(kind, page(known, known)) == _paging.RawPage(PageMeta(total_count=2), [model(**known), model(**known)])
