"""Every link of the documentation as `make docs` built it leads to a page, and to a place in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import mincloud
from mincloud.cli.arguments import program_parser
from tests.docs.snippets import ROOT

SITE = ROOT / "site"
# Its links are made by its scripts; tests/browser/test_docs.py follows some.
CONTRACT = SITE / "openapi.html"
PAGES = sorted(page for page in SITE.rglob("*.html") if page.name != "openapi.html")


class _Page(HTMLParser):
    def __init__(self, file: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.places: set[str] = {"", "top"}
        self.feed(file.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            elif name == "href" and value:
                (self.links if tag == "a" else self.sources).append(value)
            elif name == "src" and value:
                self.sources.append(value)


_READ: dict[Path, _Page] = {}


def _page(file: Path) -> _Page:
    if file not in _READ:
        _READ[file] = _Page(file)
    return _READ[file]


def test_the_documentation_is_built() -> None:
    assert PAGES, "there is no site/: run `make docs`"
    assert CONTRACT.exists()


@pytest.mark.parametrize("file", PAGES, ids=lambda file: str(file.relative_to(SITE)))
def test_each_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    page = _page(file)
    for source in page.sources:
        parts = urlsplit(source)
        assert not parts.scheme or source.startswith("data:"), source
        assert not parts.path or (file.parent / unquote(parts.path)).exists(), source
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme in ("https", "http", "mailto"), link
            assert parts.netloc or parts.scheme == "mailto", link
            continue
        target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
        assert target.is_file(), link
        if target.suffix == ".html" and target.name != CONTRACT.name:
            assert unquote(parts.fragment) in _page(target).places, link


def test_each_public_name_and_each_command_has_its_place() -> None:
    places = {place for file in PAGES for place in _page(file).places}
    assert {f"mincloud.{name}" for name in dir(mincloud) if not name.startswith("__")} <= places
    assert set(program_parser()[1]) <= _page(SITE / "command-line.html").places


@pytest.mark.parametrize(("name", "language"), [("tutorial.html", "en"), ("zh/tutorial.html", "zh-CN")])
def test_a_page_says_which_language_it_is_in(name: str, language: str) -> None:
    assert re.findall(r"<html[^>]* lang=\"([^\"]*)\"", (SITE / name).read_text("utf-8")) == [language]
