"""The emulator agrees with the contract, as far as schemathesis finds out within a fixed budget."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import mincloud
from mincloud_emulator.api import function_operations
from mincloud_emulator.core.credentials import Credentials
from scripts.contract.document import operations

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mincloud_emulator import Emulator

# schemathesis takes a quarter of a minute of a processor, and there may be little of it.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# What working clients send is what the emulator has to get along with.
_CONTRACT = mincloud.contract(server=True)
_OPERATIONS = sum(1 for _ in operations(_CONTRACT))


def disagreements(emulator: Emulator, folder: Path, *options: str) -> tuple[int, str]:
    """Runs schemathesis against an emulator, always with the same requests, and returns its status and report."""
    emulator.stub("test", lambda event: event["data"])
    document = folder / "server.json"
    document.write_text(json.dumps(_CONTRACT), encoding="utf-8")
    finished = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(document)),
            *("--url", emulator.url, "--header", f"Authorization: Bearer {emulator.access_token}"),
            *("--seed", "20180921", "--max-examples", "10", "--phases", "examples,coverage,fuzzing"),
            *("--checks", "all", "--warnings", "off", "--no-color"),
            "--generation-deterministic",
            *options,
        ],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parent),
            "SCHEMATHESIS_HOOKS": "schemathesis_hooks",
            "EMULATOR_URL": emulator.url,
            "EMULATOR_CLIENT_ID": emulator.client_id,
            "EMULATOR_CLIENT_SECRET": emulator.client_secret,
            "EMULATOR_ACCESS_TOKEN": emulator.access_token,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=580,
    )
    return finished.returncode, finished.stdout + finished.stderr


def test_the_emulator_does_what_the_contract_says(emulator: Emulator, tmp_path: Path) -> None:
    status, report = disagreements(emulator, tmp_path)
    assert status == 0, report
    assert re.search(rf"Tested: +{_OPERATIONS}\b", report), report
    assert len(emulator.calls) > 50, "the run has to get as far as functions"


def _without_name(function: Any) -> dict[str, Any]:
    return {key: value for key, value in _function_body(function).items() if key != "name"}


_function_body = function_operations.function_body


def _always_the_first_page(_parameters: Mapping[str, str]) -> tuple[int, int]:
    return 20, 0


def _any_token(_credentials: Credentials, _token: str) -> bool:
    return True


def _any_value(_fields: Mapping[str, Any], _name: str, *, default: bool) -> bool:
    return default


# What is broken: the operation that shows it, and what takes the place of what.
_BREAKAGES: list[tuple[str, Any, str, Callable[..., Any]]] = [
    ("createFunction", function_operations, "function_body", _without_name),
    ("listFunctions", function_operations, "page_parameters", _always_the_first_page),
    ("getFunction", Credentials, "accepts", _any_token),
    ("invokeFunction", function_operations, "boolean_field", _any_value),
]


@pytest.mark.parametrize("breakage", _BREAKAGES, ids=lambda breakage: f"{breakage[0]}-{breakage[2]}")
def test_a_broken_emulator_is_caught_by_the_same_run(
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    breakage: tuple[str, Any, str, Callable[..., Any]],
) -> None:
    operation, owner, name, broken = breakage
    monkeypatch.setattr(owner, name, broken)
    status, report = disagreements(emulator, tmp_path, "--max-failures", "1", "--include-operation-id", operation)
    assert status == 1, report
    assert "FAILURES" in report
