"""The server that the page on other tools shows answers as it says."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.docs.snippets import DOCS, snippets


@pytest.fixture(scope="module")
def client() -> TestClient:
    [code] = [snippet.code for snippet in snippets(DOCS / "guides" / "other-tools.md") if snippet.file == "server.py"]
    names: dict[str, Any] = {"__name__": "server"}
    exec(compile(code, "server.py", "exec"), names)
    return TestClient(names["app"], base_url=names["ADDRESS"], headers={"Authorization": "Bearer any"})


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        ({"data": {"username": "Lin"}}, 200, {"code": 0, "data": {"greeting": "hi Lin"}, "error": {}}),
        ({"data": {}, "sync": False}, 200, {"status": "ok"}),
        ({"sync": False}, 400, None),
        ({"data": {}, "sync": "no"}, 400, None),
    ],
)
def test_the_server_answers_by_the_contract(client: TestClient, body: Any, status: int, answer: Any) -> None:
    given = client.post("/oserve/v1.3/cloud-function/greet/job/", json=body)
    assert given.status_code == status
    assert answer is None or given.json() == answer
