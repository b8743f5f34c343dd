"""The Arazzo description and the collection are what the stories give, and their own tools run them."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from scripts import ROOT
from scripts.contract.document import CONTRACT
from scripts.stories import workflows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_both_files_are_what_the_stories_give() -> None:
    assert workflows.arazzo() == workflows.ARAZZO.read_text("utf-8")
    assert workflows.collection() == workflows.COLLECTION.read_text("utf-8")


@pytest.mark.timeout(300)
def test_both_run_against_an_emulator(capfd: pytest.CaptureFixture[str]) -> None:
    assert workflows.run_both() == 0
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
    assert workflows.run_both() == 1


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
    linted = subprocess.run(
        [ROOT / "node_modules" / ".bin" / "redocly", "lint", workflows.ARAZZO],
        env={**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stderr
