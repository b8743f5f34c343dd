"""Links between the Markdown files of the repository lead to files, and to headings in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest

from tests.docs.snippets import DOCS, READMES, ROOT

if TYPE_CHECKING:
    from pathlib import Path

FILES = sorted(
    {*READMES, *ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("openapi/*.md"), *ROOT.glob("examples/*/*.md")}
)
_CODE = re.compile(r"^```.*?^```$|^    .*?$|`[^`\n]+`(?!\])", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(<?([^)>\s]+)>?\)")


def links(file: Path) -> list[str]:
    """Where a file's links lead."""
    return [found[1] for found in _LINK.finditer(_CODE.sub("", file.read_text("utf-8")))]


def headings(file: Path) -> set[str]:
    """The anchors of a file's headings, as those who render Markdown make them."""
    text = re.sub(r"^```.*?^```$", "", file.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.*)$", text, re.MULTILINE):
        anchor = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        found.add(anchor if anchor not in found else f"{anchor}-1")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_each_link_of_a_file_leads_somewhere(file: Path) -> None:
    for link in links(file):
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme == "https", link
            assert "." in parts.netloc, link
            continue
        target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
        assert target.exists(), link
        if parts.fragment:
            assert parts.fragment in headings(target), link


def test_the_check_sees_links_and_anchors(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `thing`, and more\n\n[a](other.md) `[b](none.md)`\n\n```\n[c](none.md)\n# no heading\n```\n", "utf-8"
    )
    assert links(page) == ["other.md"]
    assert headings(page) == {"one-thing-and-more"}
