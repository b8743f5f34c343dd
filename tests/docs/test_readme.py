"""The READMEs say the same in both languages, and what the code says. `make test-docs` runs their snippets."""

from __future__ import annotations

import re

import pytest

import mincloud
from mincloud import errors
from scripts.docs.readme_calls import with_all_methods
from tests.docs.snippets import READMES

PAGES = {file.name: file.read_text("utf-8") for file in READMES}


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_the_error_tree_is_the_one_of_the_module(text: str) -> None:
    tree = text[text.index("```\nMinCloudError") :].split("```")[1]
    named = set(re.findall(r"\b[A-Z][A-Za-z]+\b", tree)) & set(dir(mincloud))
    assert named == set(errors.__all__) - {"ClientClosed"}


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_the_table_of_calls_has_each_public_method(text: str) -> None:
    table = text[text.index("| `functions.invoke(") :].partition("\n\n")[0]
    for group, kind in (("functions", mincloud.Functions), ("jobs", mincloud.Jobs)):
        named = {name for words in re.findall(rf"{group}\.([\w ]+)", table) for name in words.split()}
        public = {name for name, value in vars(kind).items() if not name.startswith("_") and callable(value)}
        assert named == public


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_a_method_without_a_row_of_its_own_is_named_among_the_others(text: str) -> None:
    assert with_all_methods(text.replace("create get update delete", "get delete")) == text
    without_a_row = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("| `jobs.log("))
    assert "| `functions.create get update delete`, `jobs.log` |" in with_all_methods(without_a_row)


def test_both_languages_say_the_same() -> None:
    english, chinese = PAGES.values()
    for pattern in (r"^#+ ", r"^\| ", r"^```\w*"):
        assert re.findall(pattern, english, re.MULTILINE) == re.findall(pattern, chinese, re.MULTILINE), pattern
    spans = re.compile(r"`[A-Za-z_.]+(?:\([^`]*\))?`")
    assert set(spans.findall(english)) == set(spans.findall(chinese))
