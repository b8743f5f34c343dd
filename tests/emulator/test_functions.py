"""Functions: created, read, listed, updated and deleted as in the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.emulator.conftest import FUNCTIONS, HELLO, WEB

if TYPE_CHECKING:
    from mincloud_emulator import Emulator
    from tests.emulator.conftest import API


def test_a_created_function_is_answered_whole_and_read_back_the_same(api: API) -> None:
    created = api.create("greet", remark="你好,云函数")
    assert created.status_code == 201
    assert created.json() == {
        "audit_status": "approved",
        "created_at": created.json()["created_at"],
        "created_by": "",
        "function_code": HELLO,
        "id": created.json()["id"],
        "name": "greet",
        "plan_circle": "P_FREE",
        "remark": "你好,云函数",
        "updated_at": created.json()["created_at"],
        "updated_by": "",
    }
    assert isinstance(created.json()["created_at"], int)
    assert api.get("greet").json() == created.json()


def test_two_megabytes_of_code_are_kept_as_they_are(api: API) -> None:
    code = "// 你好\r\n\t\u2028\0\n" + "x" * 2_000_000
    assert api.create("large", code).status_code == 201
    assert api.get("large").json()["function_code"] == code


def test_a_remark_is_optional(api: API) -> None:
    assert api.create("greet").json()["remark"] == ""


@pytest.mark.parametrize(
    "name", ["测试", "a/b", "x?y=1", "%2F", "a b", "#", "..", "ü" * 1300, "'\"; --", "job", "café"]
)
def test_any_name_is_one_encoded_segment_of_the_path(api: API, name: str) -> None:
    encoded = quote(name, safe="").replace(".", "%2E")
    assert api.create(name).status_code == 201
    assert api.get(encoded).json()["name"] == name
    assert api.update(encoded, remark="new").status_code == 202
    assert api.invoke(encoded, sync=False).status_code == 200
    page = api.jobs(encoded, limit=1)
    assert page.json()["meta"]["total_count"] == 1
    assert api.delete(encoded).status_code == 204
    assert api.get(encoded).status_code == 404


def test_a_slash_that_is_not_encoded_is_no_part_of_a_name(api: API) -> None:
    api.create("a/b")
    assert api.get("a/b").status_code == 404


def test_the_trailing_slash_may_be_missing_everywhere(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: 1)
    answers = [
        api.http.get(FUNCTIONS.rstrip("/")),
        api.http.post(FUNCTIONS.rstrip("/"), json={"name": "b", "function_code": HELLO}),
        api.http.get(f"{FUNCTIONS}greet"),
        api.http.patch(f"{FUNCTIONS}greet", json={"remark": "r"}),
        api.http.post(f"{FUNCTIONS}greet/debug", json={"data": {}}),
        api.http.post(f"{FUNCTIONS}greet/job", json={"data": {}}),
        api.http.get(f"{FUNCTIONS}greet/job"),
        api.http.post("/oserve/v1/cloud-function/job", json={"function_name": "greet"}),
        api.http.delete(f"{FUNCTIONS}greet"),
    ]
    assert [answer.status_code for answer in answers] == [200, 201, 200, 202, 200, 200, 200, 200, 204]


def test_an_update_changes_what_it_names_and_nothing_else(emulator: Emulator, api: API) -> None:
    before = api.create("greet", remark="old").json()
    emulator.clock.advance(60)
    changed = api.update("greet", plan_circle="P_PERSONAL")
    assert changed.status_code == 202
    assert changed.json() == {
        **before,
        "plan_circle": "P_PERSONAL",
        "updated_at": changed.json()["updated_at"],
    }
    assert changed.json()["updated_at"] >= before["updated_at"] + 60


def test_a_renamed_function_keeps_its_id_and_its_jobs(emulator: Emulator, api: API) -> None:
    emulator.stub("old", lambda _event: 1)
    api.invoke("old")
    before = api.get("old").json()
    assert api.update("old", name="new").status_code == 202
    assert api.get("old").status_code == 404
    assert api.get("new").json()["id"] == before["id"]
    assert api.jobs("new").json()["meta"]["total_count"] == 1
    assert api.invoke("new").json()["data"] == 1


def test_a_deleted_function_is_gone_with_its_answer_empty(api: API) -> None:
    api.create("greet")
    deleted = api.delete("greet")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert "content-type" not in deleted.headers
    for answer in [
        api.get("greet"),
        api.delete("greet"),
        api.update("greet", remark="x"),
        api.invoke("greet"),
        api.debug("greet", data={}),
        api.jobs("greet"),
        api.trigger(function_name="greet"),
    ]:
        assert answer.status_code == 404
        assert "不存在。" in answer.json()["error_msg"]


def test_a_function_made_anew_starts_without_the_jobs_of_its_namesake(api: API) -> None:
    first = api.create("greet").json()
    api.invoke("greet", sync=False)
    api.delete("greet")
    assert api.create("greet").json()["id"] > first["id"]
    assert api.jobs("greet").json()["meta"]["total_count"] == 0


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"function_code": "x"}, "name 是必填项"),
        ({"name": "a"}, "function_code 是必填项"),
        ({"name": "", "function_code": "x"}, "name 不能为空"),
        ({"name": "a", "function_code": ""}, "function_code 不能为空"),
        ({"name": 1, "function_code": "x"}, "name must be a string"),
        ({"name": "a", "function_code": None}, "function_code must be a string"),
        ({"name": "a", "function_code": "x", "remark": 3}, "remark must be a string"),
        ({"name": "a\0b", "function_code": "x"}, "NUL"),
        (["name"], "not an object"),
    ],
)
def test_a_function_that_can_not_be_created_is_refused_with_the_reason(api: API, body: Any, complaint: str) -> None:
    answer = api.http.post(FUNCTIONS, json=body)
    assert answer.status_code == 400
    assert complaint in answer.json()["error_msg"]
    assert api.list().json()["meta"]["total_count"] == 0


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"name": ""}, "name 不能为空"),
        ({"function_code": ""}, "function_code 不能为空"),
        ({"plan_circle": "P_HUGE"}, "plan_circle must be one of P_FREE, P_PERSONAL"),
        ({"remark": None}, "remark must be a string"),
        ({"name": "taken"}, "已存在"),
    ],
)
def test_a_change_that_is_not_possible_is_refused_and_changes_nothing(
    api: API, changes: dict[str, Any], complaint: str
) -> None:
    api.create("taken")
    before = api.create("greet").json()
    answer = api.http.patch(f"{FUNCTIONS}greet/", json=changes)
    assert answer.status_code == 400
    assert complaint in answer.json()["error_msg"]
    assert api.get("greet").json() == before


def test_a_name_is_given_once(api: API) -> None:
    api.create("greet")
    answer = api.create("greet", "exports.main = 1")
    assert answer.status_code == 400
    assert "已存在" in answer.json()["error_msg"]
    assert api.get("greet").json()["function_code"] == HELLO


def test_fields_that_nobody_knows_are_ignored(api: API) -> None:
    assert api.create("greet", colour="red", id=7).status_code == 201
    assert api.update("greet", colour="red").status_code == 202


def test_the_list_is_paged_newest_first_and_leads_from_page_to_page(api: API) -> None:
    for number in range(5):
        api.create(f"f{number}")
    first = api.list(limit=2).json()
    assert first["meta"] == {
        "limit": 2,
        "next": f"{FUNCTIONS}?limit=2&offset=2",
        "offset": 0,
        "previous": None,
        "total_count": 5,
    }
    second = api.http.get(first["meta"]["next"]).json()
    assert second["meta"]["previous"] == f"{FUNCTIONS}?limit=2&offset=0"
    last = api.http.get(second["meta"]["next"]).json()
    assert last["meta"]["next"] is None
    names = [function["name"] for page in (first, second, last) for function in page["objects"]]
    assert names == ["f4", "f3", "f2", "f1", "f0"]
    beyond = api.list(offset=10**15).json()
    assert (beyond["objects"], beyond["meta"]["next"]) == ([], None)


def test_the_default_page_has_twenty(api: API) -> None:
    for number in range(21):
        api.create(f"f{number}")
    page = api.list().json()
    assert (len(page["objects"]), page["meta"]["limit"]) == (20, 20)


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "ten"},
        {"limit": ""},
        {"limit": "1.5"},
        {"offset": -1},
        {"offset": "9" * 5000},
        {"offset": "٣"},
        {"limit": "1\0"},
    ],
)
def test_limit_and_offset_out_of_range_are_refused(api: API, parameters: dict[str, Any]) -> None:
    answer = api.list(**parameters)
    assert answer.status_code == 400
    assert "must be an integer from" in answer.json()["error_msg"]


def test_each_environment_has_functions_of_its_own(emulator: Emulator, api: API) -> None:
    in_test = [(b"X-Hydrogen-Env-ID", "测".encode())]
    api.create("greet")
    assert api.http.get(f"{FUNCTIONS}greet/", headers=in_test).status_code == 404
    body = {"name": "greet", "function_code": "exports.main = 2"}
    assert api.http.post(FUNCTIONS, json=body, headers=in_test).status_code == 201
    assert api.get("greet").json()["function_code"] == HELLO
    emulator.stub("greet", lambda event: event["env"], environment="测")
    assert api.http.post(f"{FUNCTIONS}greet/job/", json={"data": {}}, headers=in_test).json()["data"] == {
        "id": "测",
        "name": "测",
    }
    assert api.jobs("greet").json()["meta"]["total_count"] == 0
    api.http.delete(f"{FUNCTIONS}greet/", headers=in_test)
    assert api.get("greet").status_code == 200


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", "Bearer wrong", "Bearer \xff"])
def test_without_a_valid_token_nothing_is_done(emulator: Emulator, header: str | None) -> None:
    headers = [] if header is None else [(b"Authorization", header.encode("latin-1"))]
    for method, path in [
        ("GET", FUNCTIONS),
        ("POST", FUNCTIONS),
        ("GET", f"{FUNCTIONS}a/"),
        ("PATCH", f"{FUNCTIONS}a/"),
        ("DELETE", f"{FUNCTIONS}a/"),
        ("POST", f"{FUNCTIONS}a/debug/"),
        ("GET", f"{FUNCTIONS}a/job/"),
        ("POST", f"{FUNCTIONS}a/job/"),
        ("POST", "/oserve/v1/cloud-function/job/"),
    ]:
        answer = WEB.request(method, emulator.url + path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "未授权" in answer.json()["error_msg"]
