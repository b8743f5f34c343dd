"""The command that checks the contract: its messages and its exit status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scripts import ScriptError
from scripts.contract import check as check_contract
from scripts.contract import redocly
from scripts.contract.check import main
from scripts.contract.document import CONTRACT
from tests.contract.mutations import FUNCTIONS, Mutation, all_of, broken, drop, put

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def test_a_good_contract_is_reported_and_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out == "openapi/mincloud.yaml: valid, and every rule holds\n"


def test_every_broken_rule_of_either_kind_is_one_line(
    contract: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changes = all_of(
        drop("paths", FUNCTIONS, "get", "security"),
        put("components", "schemas", "Job", "properties", "id", "x-hidden", value=True),
    )
    path = tmp_path / "contract.yaml"
    path.write_text(json.dumps(broken(contract, Mutation("", changes, "", ""))), encoding="utf-8")

    assert main([str(path)]) == 1

    captured = capsys.readouterr()
    assert captured.out == ""
    hidden, *states = captured.err.splitlines()
    advice = "or explain a new extension and add it to this rule [extension-is-explained]"
    assert hidden == (
        f"{path}: components > schemas > Job > properties > id > x-hidden: use one of x-provenance, "
        f"x-extensible-enum, x-secret, {advice}"
    )
    place = f"{path}: paths > {FUNCTIONS} > get"
    advice = "State `security` at the operation, as `[]` where it needs none."
    assert f"{place} > security: {advice} [rule/operation-states-security]" in states
    assert all(line.startswith(place) for line in states)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("openapi: [", "the document: mend the YAML: while parsing a flow node"),
        (
            "- openapi",
            "the document: begin with the `openapi` key of an OpenAPI document; this is no mapping [yaml]",
        ),
        ("", "the document: begin with the `openapi` key of an OpenAPI document; this is no mapping [yaml]"),
        (
            "openapi: 3.0.3\npaths: {}\npaths: {}\n",
            "the document: the key paths is there a second time in line 3; take one away [yaml]",
        ),
        (
            "openapi: 3.0.3\nresponses:\n  200: {}\n",
            "the document: put quotes around the key 200 in line 3 [yaml]",
        ),
        (
            "openapi: 3.0.3\ninfo: {title: T, version: '1'}\n",
            'the document: mend it: "paths" is a required property [openapi]',
        ),
        (
            "openapi: 3.0.3\npaths: &all\n  /x/: *all\n",
            "the document: an anchor stands inside itself, or the nesting is too deep: write it out flat [yaml]",
        ),
    ],
)
def test_a_document_that_cannot_be_used_gets_one_line(
    text: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "contract.yaml"
    path.write_text(text, encoding="utf-8")

    assert main([str(path)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{path}: {says}")


def test_a_missing_document_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "absent.yaml")]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("check_contract: cannot read absent.yaml: ")
    assert line.endswith("; name a readable UTF-8 file")


def test_a_missing_node_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main([str(CONTRACT)]) == 2
    assert (
        capsys.readouterr().err == "check_contract: Node is missing: install Node 20 or later, which Redocly runs on\n"
    )


def test_a_missing_linter_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(redocly, "EXECUTABLE", tmp_path / "redocly")

    assert main([]) == 2
    assert capsys.readouterr().err == "check_contract: Redocly is missing: run `make setup`\n"


def test_a_linter_that_gives_up_is_quoted(tmp_path: Path) -> None:
    rules = tmp_path / "redocly.yaml"
    rules.write_text(
        "rules:\n  rule/broken: {subject: {type: Nothing}, assertions: {defined: true}}\n", encoding="utf-8"
    )

    with pytest.raises(ScriptError, match=r"^the linter did not lint: \S.*$"):
        check_contract.lint([CONTRACT], rules)


def test_a_document_that_stops_the_linter_after_others_is_quoted(tmp_path: Path) -> None:
    unreadable = tmp_path / "unreadable.yaml"
    unreadable.write_text("openapi: [", encoding="utf-8")

    with pytest.raises(ScriptError, match=r"^the linter did not lint: - unexpected end of the stream"):
        check_contract.lint([CONTRACT, unreadable])
