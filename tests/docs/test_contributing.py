"""The walk in CONTRIBUTING.md shows what the files say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


class Excerpt(NamedTuple):
    """A block of code, and the files that are named between it and the block before."""

    code: str
    files: list[str]


def excerpts() -> list[Excerpt]:
    parts = re.split(r"```(?:python|yaml)\n(.*?)```\n", TEXT, flags=re.DOTALL)
    found: list[Excerpt] = []
    named: list[str] = []
    for prose, code in zip(parts[::2], parts[1::2], strict=False):
        origin = prose.rpartition("From\n" if "From\n" in prose else "From ")[2] if "From" in prose else ""
        named = (
            re.findall(r"\]\(([^)]+)\)", origin) or named
        )  # a block that follows at once is from a file named before
        found.append(Excerpt(code, named))
    return found


def test_there_are_excerpts_of_every_layer() -> None:
    folders = {name.split("/")[0] for excerpt in excerpts() for name in excerpt.files}
    assert folders == {"openapi", "generated", "mincloud", "mincloud_emulator", "tests"}


@pytest.mark.parametrize("excerpt", excerpts(), ids=lambda excerpt: excerpt.code.strip().splitlines()[0][:50])
def test_each_excerpt_is_the_text_of_its_file(excerpt: Excerpt) -> None:
    assert any(excerpt.code in (ROOT / name).read_text("utf-8") for name in excerpt.files), excerpt.files


def test_each_place_of_the_map_exists() -> None:
    table = TEXT.partition("| place |")[2].partition("\n\n")[0]
    for place in re.findall(
        r"`([\w./*-]+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if "|" in line)
    ):
        assert list(ROOT.glob(place.rstrip("/"))), place


def test_each_verb_that_is_named_is_one_of_the_makefile() -> None:
    verbs = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for line in re.findall(r"`make ([a-z -]+)`", TEXT):
        assert set(line.split()) <= verbs, line
