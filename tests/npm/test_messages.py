"""What the packaging of the contract says when it cannot be done."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.contract import package as package_contract
from scripts.contract.document import CONTRACT, read_valid

TEXT = CONTRACT.read_text("utf-8")
VERSION = json.loads((package_contract.FOLDER / "package.json").read_text("utf-8"))["version"]

# The variants are derived on the way, by a program each, and the machine may be busy.
pytestmark = pytest.mark.timeout(300)

Said = Callable[[str | None], str]


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Said:
    def said(text: str | None) -> str:
        """The line about a contract of this text; None for no file."""
        written = tmp_path / "other.yaml"
        if text is not None:
            written.write_text(text, "utf-8")
        status = package_contract.main(["--contract", str(written), "--output", str(tmp_path / "dist")])
        out, err = capsys.readouterr()
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert not list(tmp_path.glob("dist/*"))
        return err.removesuffix("\n")

    return said


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "cannot read other.yaml: "),
        ("openapi: [", "other.yaml: the document: mend the YAML: "),
        (TEXT.replace("openapi: 3.0.3", "openapi: 3.1.0"), "other.yaml: openapi: mend it: "),
        (
            TEXT.replace(f"version: {VERSION}", "version: 9.9.9", 1),
            f"other.yaml has the version 9.9.9 and openapi/package.json {VERSION}: make them the same",
        ),
    ],
    ids=["missing", "no YAML", "another OpenAPI", "another version"],
)
def test_a_contract_that_cannot_be_packed_is_one_line(said: Said, text: str | None, line: str) -> None:
    assert said(text).startswith(f"package_contract: {line}")


def test_the_package_has_the_version_of_the_contract() -> None:
    assert read_valid(CONTRACT)["info"]["version"] == VERSION


def test_a_contract_that_an_overlay_does_not_fit_is_one_line(said: Said) -> None:
    assert said(TEXT.replace("TokenRequest", "AskForToken")).startswith("package_contract: the variant ")


def test_without_the_node_tools_it_says_how_to_get_them(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_contract, "COMPILER", Path("/nowhere/tsc"))
    assert said(TEXT) == "package_contract: the Node tools are missing: run `make setup`"


def test_without_node_it_says_what_to_install(said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert said(TEXT) == "package_contract: Node is missing: install Node 20 or later, which Redocly runs on"


def test_what_a_node_program_complains_about_is_one_line(
    said: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    failing = tmp_path / "types.mjs"
    failing.write_text("console.error('no\\n  such type'); process.exit(1)")
    monkeypatch.setattr(package_contract, "TYPES", failing)
    assert said(TEXT) == "package_contract: node types.mjs failed: no such type"
