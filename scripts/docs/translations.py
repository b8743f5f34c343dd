"""The documentation in other languages than English: gettext catalogues in `docs/locales/`, one for each page.

    python -m scripts.docs.translations

updates them: new paragraphs are added without a translation, and the translation of a paragraph that changed is marked `fuzzy`. The
build of the documentation fails until each paragraph has its translation. The reference, the command line, the contract and the
changelog stay in English: what they say comes from the code.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from babel.messages.pofile import read_po

from scripts import ROOT

DOCS = ROOT / "docs"
# These pages are generated from the code.
UNTRANSLATED = ("reference/", "command-line", "contract", "changelog")
_CODE = re.compile(r"`[^`]+`")


class Language(NamedTuple):
    """A language of the documentation.

    Attributes:
        name: What it calls itself.
        folder: Where its pages are in the site, with a slash behind; empty for the pages of the site itself.
    """

    name: str
    folder: str


LANGUAGES = {"en": Language("English", ""), "zh_CN": Language("中文", "zh/")}


def templates(source: Path, output: Path) -> dict[str, Path]:
    """Writes the templates of the translated pages into a folder; returns them by page, without suffix."""
    from sphinx.cmd.build import main  # noqa: PLC0415 - takes half a second, which the other commands need not wait

    with tempfile.TemporaryDirectory() as scratch:
        main(["--builder=gettext", "--quiet", f"--doctree-dir={scratch}", str(source), str(output)])
    pages = {str(path.relative_to(output).with_suffix("")): path for path in sorted(output.rglob("*.pot"))}
    # The sidebar's template has messages too, but is no page.
    return {
        name: path
        for name, path in pages.items()
        if not name.startswith(UNTRANSLATED) and source.joinpath(name).with_suffix(".md").exists()
    }


def problems(source: Path) -> list[str]:
    """Returns what is missing or stale in the catalogues, a line each."""
    with tempfile.TemporaryDirectory() as scratch:
        pages = templates(source, Path(scratch))
        return [
            f"docs/locales/{code}/LC_MESSAGES/{name}.po: {problem}"
            for code, language in LANGUAGES.items()
            if language.folder
            for name, template in pages.items()
            for problem in _problems_of(template, source / "locales" / code / "LC_MESSAGES" / f"{name}.po")
        ]


def _problems_of(template: Path, catalogue: Path) -> Iterator[str]:
    if not catalogue.exists():
        yield "the page has no translation: run `make translations` and fill it in"
        return
    with catalogue.open("rb") as file, template.open("rb") as wanted:
        translated = read_po(file)
        translated.update(read_po(wanted), no_fuzzy_matching=True)
    for message in translated:
        text, translation = str(message.id), str(message.string)
        excerpt = f"{text[:60]!r}"
        if not translation:
            yield f"{excerpt} has no translation: run `make translations` and fill it in"
        elif message.fuzzy and text:  # the catalogue's own header has no text
            yield f"{excerpt} has changed: mend its translation and take the word `fuzzy` away"
        elif text and sorted(_CODE.findall(text)) != sorted(_CODE.findall(translation)):
            yield f"{excerpt} and its translation name different code"
    for stale in translated.obsolete:
        yield f"{str(stale)[:60]!r} is in no page any more: run `make translations`"


def main() -> int:
    """Brings the catalogues up to date with the pages; returns the exit status."""
    command = [sys.executable, "-m", "sphinx_intl", "update", "--line-width=-1", "--no-obsolete"]
    command += [f"--language={code}" for code, language in LANGUAGES.items() if language.folder]
    with tempfile.TemporaryDirectory() as scratch:
        pages = templates(DOCS, Path(scratch))
        for path in Path(scratch).rglob("*.pot"):
            if path not in pages.values():
                path.unlink()
        subprocess.run([*command, f"--locale-dir={DOCS / 'locales'}", f"--pot-dir={scratch}"], check=True)
    left = problems(DOCS)
    for problem in left:
        print(problem)
    print(f"{len(left)} paragraphs wait for a translator" if left else "every paragraph is translated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
