"""The Arazzo description and the collection are what the stories give, and their own tools run them."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
from typing import TYPE_CHECKING, Any, ClassVar

import httpx
import pytest
import yaml

from mincloud_emulator import Emulator
from scripts import ROOT
from scripts.contract.document import CONTRACT
from scripts.stories import workflows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


TOOLS = ROOT / "node_modules" / ".bin"
QUIET = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}


class CookieProxy(http.server.BaseHTTPRequestHandler):
    """Passes requests on, and follows redirects with the cookies that they bring, which respect's own client forgets."""

    target: ClassVar[str]

    def pass_on(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kept = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
        with httpx.Client(follow_redirects=True, trust_env=False, timeout=60) as client:
            response = client.request(self.command, self.target + self.path, content=content, headers=kept)
        self.send_response(response.status_code)
        self.send_header("Content-Type", response.headers.get("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(response.content)))
        self.end_headers()
        self.wfile.write(response.content)

    do_GET = do_POST = do_PATCH = do_DELETE = pass_on  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Stays silent."""


def run_both() -> bool:
    """Runs the description by `respect` and the collection by newman; returns whether every check passed."""
    with Emulator() as emulator:
        names = ("access_token", "client_id", "client_secret")
        given = {name: getattr(emulator, name) for name in names}
        handler = type("Handler", (CookieProxy,), {"target": emulator.url})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as proxy:
            threading.Thread(target=proxy.serve_forever, daemon=True).start()
            inputs = [word for name, value in given.items() for word in ("--input", f"{name}={value}")]
            server = f"mincloud=http://127.0.0.1:{proxy.server_port}"
            respect = [str(TOOLS / "redocly"), "respect", str(workflows.ARAZZO), "--server", server, *inputs]
            followed = subprocess.run(respect, env=QUIET, check=False).returncode == 0
            proxy.shutdown()
        given["base_url"] = emulator.url
        variables = [word for name, value in given.items() for word in ("--env-var", f"{name}={value}")]
        newman = [str(TOOLS / "newman"), "run", str(workflows.COLLECTION), "--reporters", "cli", *variables]
        return subprocess.run(newman, env=QUIET, check=False).returncode == 0 and followed


def test_both_files_are_what_the_stories_give() -> None:
    assert workflows.arazzo() == workflows.ARAZZO.read_text("utf-8")
    assert workflows.collection() == workflows.COLLECTION.read_text("utf-8")


@pytest.mark.timeout(300)
def test_both_run_against_an_emulator(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_both()
    printed = capfd.readouterr().out
    for name in workflows.WORKFLOWS:
        assert f"mincloud.arazzo.yaml / {name}" in printed


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("file", "expected"), [("ARAZZO", "$statusCode == 201"), ("COLLECTION", "oneOf([201])")])
def test_an_answer_that_is_not_as_expected_fails_them(
    file: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path: Path = getattr(workflows, file)
    changed = tmp_path / path.name
    changed.write_text(path.read_text("utf-8").replace(expected, expected.replace("201", "299")), "utf-8")
    (tmp_path / CONTRACT.name).write_bytes(CONTRACT.read_bytes())
    monkeypatch.setattr(workflows, file, changed)
    assert not run_both()


def test_the_collection_has_every_operation() -> None:
    contract = yaml.safe_load(CONTRACT.read_text("utf-8"))
    wanted = {
        (method.upper(), path.strip("/").replace("{function_name}", ":function_name"))
        for path, item in contract["paths"].items()
        for method in item
        if method in ("get", "post", "patch", "delete", "put")
    }

    def requests(items: list[Any]) -> Iterator[tuple[str, str]]:
        for item in items:
            if "item" in item:
                yield from requests(item["item"])
            else:
                yield item["request"]["method"], "/".join(item["request"]["url"]["path"]).strip("/")

    assert set(requests(json.loads(workflows.COLLECTION.read_text("utf-8"))["item"])) == wanted


def test_the_description_is_valid() -> None:
    lint = [str(TOOLS / "redocly"), "lint", str(workflows.ARAZZO)]
    linted = subprocess.run(lint, env=QUIET, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stderr
