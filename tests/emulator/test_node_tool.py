"""Existing clients of the service work with the emulator: the Node tool from npm, and the requests of the service's own tool."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from tests.emulator.conftest import FUNCTIONS, TIMEOUT

if TYPE_CHECKING:
    from mincloud_emulator import Emulator
    from tests.emulator.conftest import API

# The tool takes a second to start where nothing else is running, and one test starts it twenty times.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_TOOL = Path(__file__).parents[2] / "node_modules" / "mincloud" / "bin" / "faas-cli.js"


class Tool:
    """The unmodified Node tool `mincloud`, in a home and a folder of its own."""

    def __init__(self, emulator: Emulator, home: Path) -> None:
        self.home = home
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "mincloud_base_url": emulator.url,
            # It warns on standard error about its own old libraries.
            "NODE_NO_WARNINGS": "1",
        }

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["node", str(_TOOL), *arguments],
            cwd=self.home,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def done(self, *arguments: str) -> str:
        """Runs a command that has to succeed, and returns its output."""
        completed = self(*arguments)
        assert completed.returncode == 0, completed.stderr
        return completed.stdout

    def as_json(self, *arguments: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.done(*arguments, "--json"))
        return shown


@pytest.fixture
def tool(emulator: Emulator, tmp_path: Path) -> Tool:
    return Tool(emulator, tmp_path)


def test_the_node_tool_does_all_it_can_do(emulator: Emulator, api: API, tool: Tool) -> None:
    assert "登录成功" in tool.done("login", emulator.client_id, emulator.client_secret)
    assert "没有云函数" in tool.done("list")

    assert "创建成功" in tool.done("new", "greet", "-m", "a greeting")
    assert api.get("greet").json()["remark"] == "a greeting"
    assert "hello world" in tool.done("invoke", "greet")

    code = "exports.main = async event => `你好 ${JSON.stringify(event.data)}`"
    (tool.home / "greet" / "index.js").write_text(code, "utf-8")
    assert "greet" in tool.done("deploy", "greet")
    assert api.get("greet").json()["function_code"] == code
    assert "你好" in tool.done("invoke", "greet", '{"username": "爱范儿"}')
    invoked = tool.as_json("invoke", "greet", "[1, null]")
    assert (invoked["code"], invoked["data"]) == (0, "你好 [1,null]")

    (tool.home / "fresh.js").write_text(code, "utf-8")
    tool.done("deploy", "fresh")
    assert api.get("fresh").json()["function_code"] == code
    listed = tool.as_json("list")
    assert [function["name"] for function in listed["objects"]] == ["fresh", "greet"]

    (tool.home / "greet" / "index.js").unlink()
    assert "拉取代码成功" in tool.done("pull", "greet")
    assert (tool.home / "greet" / "index.js").read_text("utf-8") == code

    assert "删除成功" in tool.done("delete", "greet")
    assert api.get("greet").status_code == 404
    gone = tool("delete", "greet")
    assert gone.returncode == 1
    assert "不存在。" in gone.stderr

    assert "注销成功" in tool.done("logout")
    assert "请先登录" in tool("list").stderr


def test_the_node_tool_chooses_an_environment(emulator: Emulator, api: API, tool: Tool) -> None:
    tool.done("login", emulator.client_id, emulator.client_secret)
    tool.done("new", "greet", "-e", "5f2a4c")
    assert api.get("greet").status_code == 404
    headers = {"X-Hydrogen-Env-ID": "5f2a4c"}
    assert api.http.get(f"{FUNCTIONS}greet/", headers=headers).status_code == 200
    assert "greet" in tool.done("list", "--env", "5f2a4c")
    assert "没有云函数" in tool.done("list")


def test_the_node_tool_takes_a_percent_encoded_name(emulator: Emulator, api: API, tool: Tool) -> None:
    tool.done("login", emulator.client_id, emulator.client_secret)
    api.create("测试")
    invoked = tool.as_json("invoke", quote("测试"))
    assert invoked["data"] == "hello world"


def test_the_node_tool_shows_what_is_wrong(emulator: Emulator, tool: Tool) -> None:
    refused = tool("login", emulator.client_id, "wrong")
    assert refused.returncode == 1
    assert "请重新登录" in refused.stderr
    tool.done("login", emulator.client_id, emulator.client_secret)
    tool.done("new", "greet")
    again = tool("new", "greet")
    assert again.returncode == 1
    assert "400" in again.stderr
    assert "已存在" in again.stderr
    emulator.revoke_tokens()
    assert "登录凭证已过期" in tool("list").stderr


def test_what_mincloudx_cli_sends_is_answered_as_it_expects(emulator: Emulator) -> None:
    """The requests of the service's own tool, as the contract describes them, sent raw."""
    application = {"client_id": emulator.client_id, "client_secret": emulator.client_secret}
    with httpx.Client(base_url=emulator.url, follow_redirects=True, timeout=TIMEOUT, verify=False) as http:
        authorize = "/api/oauth2/hydrogen/openapi/authorize/"
        code = http.post(authorize, json=application, headers={"Authorization": "Bearer old"}).json()["code"]
        grant = {**application, "grant_type": "authorization_code", "code": code}
        parts = {name: (None, value) for name, value in grant.items()}
        token = http.post("/api/oauth2/access_token/", files=parts).json()["access_token"]

    with httpx.Client(base_url=emulator.url, timeout=TIMEOUT, verify=False) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        bundle = 'exports.main=(()=>{"use strict";return async e=>`好 ${e.data}`})();'
        body = json.dumps({"function_code": bundle}, ensure_ascii=False).encode()
        missing = http.patch(f"{FUNCTIONS}greet", content=body)
        assert missing.status_code == 404, "it creates after exactly this status, and follows no redirect to it"
        assert isinstance(missing.json()["error_msg"], str)
        creation = json.dumps({"name": "greet", "function_code": bundle}, ensure_ascii=False).encode()
        assert http.post(FUNCTIONS, content=creation).status_code == 201
        assert http.patch(f"{FUNCTIONS}greet", content=body).status_code == 202
        tried = http.post(f"{FUNCTIONS}greet/debug/", json={"function_name": "greet", "data": "啊", "sync": True})
        assert tried.json()["data"] == "好 啊"
        assert http.post(f"{FUNCTIONS}other/debug/", json={"data": {}}).status_code == 404
        deletion = {"Content-Length": "0", "json": "true"}
        assert http.delete(f"{FUNCTIONS}greet/", headers=deletion).status_code == 204
