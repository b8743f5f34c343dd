"""A small story and its steps, for the tests of what runs stories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from mincloud_emulator import Emulator

CREATE: dict[str, Any] = {
    "step": "Create it",
    "operation": "createFunction",
    "body": {"name": "${greet}", "function_code": "exports.main = async (event) => event.data.name"},
    "expect": {"status": 201},
}
INVOKE: dict[str, Any] = {
    "step": "Call it",
    "operation": "invokeFunction",
    "parameters": {"function_name": "${greet}"},
    "body": {"data": {"name": "hi"}},
    "expect": {"status": 200, "body": {"code": 0, "data": "hi"}},
}
DELETE: dict[str, Any] = {
    "step": "Delete it",
    "operation": "deleteFunction",
    "parameters": {"function_name": "${greet}"},
    "expect": {"status": [204, 404]},
}
JOBS: dict[str, Any] = {
    "step": "List its jobs",
    "operation": "listJobs",
    "parameters": {"function_name": "${greet}"},
    "expect": {"status": 200},
}


def write_story(folder: Path, *steps: dict[str, Any], **changes: Any) -> Path:
    """A folder with one story of these steps, which names a function `greet` and deletes it."""
    story: dict[str, Any] = {
        "story": "It greets",
        "contract": {"from": "0.1.0"},
        "variables": {"greet": {"unique": "greet"}},
        "steps": list(steps) or [CREATE, INVOKE],
        "cleanup": [DELETE],
        **changes,
    }
    text = yaml.safe_dump({key: value for key, value in story.items() if value is not None}, allow_unicode=True)
    (folder / "sample.yaml").write_text(text, encoding="utf-8")
    return folder


def remaining(emulator: Emulator) -> list[str]:
    """The names of the functions that there are."""
    headers = {"Authorization": f"Bearer {emulator.access_token}"}
    with httpx.Client(base_url=emulator.url, headers=headers, verify=False) as client:
        page = client.get("/oserve/v1.3/cloud-function/").json()
    return [function["name"] for function in page["objects"]]
