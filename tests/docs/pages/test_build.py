"""A mistake in the documentation fails its build, with a line that says where it is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from scripts import ScriptError
from scripts.contract import redocly
from scripts.docs import build as build_docs
from scripts.docs import screenshot_console
from scripts.docs.extension import public_name
from tests.docs.snippets import DOCS, ROOT

if TYPE_CHECKING:
    from pathlib import Path

# Sphinx takes 8 seconds of a processor, and there may be little of it.
pytestmark = pytest.mark.timeout(600)


def built(docs: Path, output: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "scripts.docs.build", "--source", str(docs), "--output", str(output)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_leads_nowhere_fails_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(DOCS, docs)
    page = docs / "guides" / "calling.md"
    text = page.read_text("utf-8")
    page.write_text(
        f"{text}\n[a](nowhere.md), [b](errors.md#nowhere), `functions.nothing`, ![c](none.png)\n\n"
        "```{eval-rst}\n:py:class:`mincloud.Nothing`\n```\n",
        "utf-8",
    )
    (docs / "reference" / "lists.rst").write_text("Lists\n=====\n\n.. autoclass:: mincloud.Page\n", "utf-8")
    ended = built(docs, tmp_path / "site")
    assert ended.returncode == 1
    *warnings, last = ended.stderr.splitlines()
    assert last == "build_docs: Sphinx met the warnings above: mend the pages or docstrings that they name"
    for said in (
        "nowhere.md",
        "local id not found in doc 'guides/errors': 'nowhere'",
        "functions.nothing: mincloud.Functions has no 'nothing'",
        "none.png",
        "mincloud.Nothing",
        "mincloud.Paginator is public and not in docs/reference/: add it there",
    ):
        assert any(said in line for line in warnings), (said, warnings)


def test_what_has_no_translation_fails_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(DOCS, docs)
    for beside in ("CHANGELOG.md", "mincloud_emulator"):  # what the pages show of the rest of the repository
        tmp_path.joinpath(beside).symlink_to(ROOT / beside)

    def change(name: str, old: str, new: str) -> None:
        text = docs.joinpath(name).read_text("utf-8")
        assert text.count(old) == 1
        docs.joinpath(name).write_text(text.replace(old, new), "utf-8")

    catalogues = "locales/zh_CN/LC_MESSAGES"
    change("guides/calling.md", "\n## Time limits\n", "\nA new paragraph.\n\n## Time limits\n")
    change("tutorial.md", "\nIn the first terminal:\n", "\nIn the first of the terminals:\n")
    change(f"{catalogues}/guides/errors.po", 'msgid "No retries at all:"', '#, fuzzy\nmsgid "No retries at all:"')
    change(f"{catalogues}/guides/listing.po", "`total` 只", "`page_size` 只")
    docs.joinpath(catalogues, "guides", "batches.po").unlink()
    ended = built(docs, tmp_path / "site")
    assert ended.returncode == 1
    page = f"docs/{catalogues}"
    first, *rest = ended.stderr.splitlines()
    assert sorted([first.removeprefix("build_docs: "), *rest]) == [
        f"{page}/guides/batches.po: the page has no translation: run `make translations` and fill it in",
        f"{page}/guides/calling.po: 'A new paragraph.' has no translation: run `make translations` and fill it in",
        f"{page}/guides/errors.po: 'No retries at all:' has changed: mend its translation and take the word `fuzzy` away",
        f"{page}/guides/listing.po: '`total` is one small request if no page has been read.' and its translation name different code",
        f"{page}/tutorial.po: 'In the first of the terminals:' has no translation: run `make translations` and fill it in",
        f"{page}/tutorial.po: 'In the first terminal:' is in no page any more: run `make translations`",
    ]


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work", "utf-8")
    ended = built(DOCS, tmp_path)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"build_docs: {tmp_path} holds something else: name a folder that is empty or has an earlier build\n"
    )
    assert (tmp_path / "thesis.txt").exists()


def test_without_redocly_there_is_a_line_that_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redocly, "EXECUTABLE", tmp_path / "redocly")
    with pytest.raises(ScriptError, match=r"^Redocly is missing: run `make setup`$"):
        build_docs.build_contract_page(tmp_path)


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        ("openapi: 3.0.3\npaths: [\n", r"^broken\.yaml: the document: mend the YAML: [^\n]+line 3[^\n]+$"),
        ("just: this\n", r"^broken\.yaml: the document: mend it: [^\n]+$"),
    ],
)
def test_a_contract_that_cannot_be_rendered_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contract: str, message: str
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(contract, "utf-8")
    monkeypatch.setattr(build_docs, "CONTRACT", broken)
    with pytest.raises(ScriptError, match=message):
        build_docs.build_contract_page(tmp_path)


def test_without_chromium_there_is_a_line_that_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "chromium"
    monkeypatch.setattr(screenshot_console, "EXECUTABLE", missing)
    monkeypatch.setattr(sys, "argv", ["screenshot_console"])
    assert screenshot_console.main() == 1
    assert capsys.readouterr().err == f"screenshot_console: {missing} is missing: `make picture` installs it\n"


def test_what_extensions_say_is_told_in_the_descriptions() -> None:
    status = {
        "type": "string",
        "description": "Where it is.\n",
        "x-extensible-enum": ["waiting", "executing"],
        "x-provenance": [
            {"standing": "inferred", "note": "A guess."},
            {"about": "type", "standing": "contradiction", "documentation": "A number.", "note": "It is none."},
        ],
    }
    told = build_docs.expand_extensions({"properties": {"status": status}, "parameters": [{"name": "a"}]})
    assert told["parameters"] == [{"name": "a"}]
    assert told["properties"]["status"]["description"].split("\n\n") == [
        "Where it is.",
        "Known values: `waiting`, `executing`; others are valid.",
        "*Inferred*: A guess.",
        "*Contradiction* (type): The documentation: A number. It is none.",
    ]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("MinCloud", "mincloud.MinCloud"),
        ('functions.invoke("greet")', "mincloud.Functions.invoke"),
        ("cloud.jobs.list", "mincloud.Jobs.list"),
        ("emulator.clock.advance(86400)", "mincloud_emulator.Clock.advance"),
        ("mincloud_emulator.Limits", "mincloud_emulator.Limits"),
        ("mincloud.contract()", "mincloud.contract"),
        ("contract", None),
        ("job.status", None),
        ("MinCloud thing", None),
        ("--json", None),
        ("event.data", None),
    ],
)
def test_code_that_names_something_public_is_known(code: str, name: str | None) -> None:
    assert public_name(code) == name
