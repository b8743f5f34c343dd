"""The READMEs say the same in both languages, and what the code says. `make test-docs` runs their snippets."""

from __future__ import annotations

import re

import pytest

import mincloud
from mincloud import errors
from tests.docs.snippets import READMES

PAGES = {file.name: file.read_text("utf-8") for file in READMES}


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_the_error_tree_is_the_one_of_the_module(text: str) -> None:
    tree = text[text.index("```\nMinCloudError") :].split("```")[1]
    named = set(re.findall(r"\b[A-Z][A-Za-z]+\b", tree)) & set(dir(mincloud))
    assert named == set(errors.__all__) - {"ClientClosed"}


def test_both_languages_say_the_same() -> None:
    english, chinese = PAGES.values()
    for pattern in (r"^#+ ", r"^\| ", r"^```\w*"):
        assert re.findall(pattern, english, re.MULTILINE) == re.findall(pattern, chinese, re.MULTILINE), pattern
    spans = re.compile(r"`[A-Za-z_.]+(?:\([^`]*\))?`")
    assert set(spans.findall(english)) == set(spans.findall(chinese))
