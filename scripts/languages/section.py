"""The section of openapi/README.md that is written from what was found, between two markers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts import ROOT, ScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .description import Description, Language
    from .findings import Findings

README = ROOT / "openapi" / "README.md"
BEGIN = (
    "<!-- languages: what follows is written by `make languages`; change openapi/languages/languages.yaml instead -->"
)
END = "<!-- languages: end -->"

_READING = """\
“Told apart” means that the code can see whether a field was null or was not there. A closed enum refuses a value that it does not
know; it is used only in what you send. Whatever a client does with the body of an error, it gives its status."""


@dataclass(frozen=True)
class Result:
    """A language with what was found, and how many stories passed of how many (None where none was run)."""

    language: Language
    findings: Findings
    stories: tuple[int, int] | None


def render(description: Description, results: Sequence[Result], version: str) -> str:
    """The section, without its markers.

    Args:
        description: the tables and the warnings.
        results: the languages, in order.
        version: openapi-generator's.
    """
    parts = [_overview(results, version)]
    for table in description.tables:
        rows = [[_linked(each.language), *(each.findings.cells[key] for key in table.columns)] for each in results]
        parts += [f"### {table.title}", _table(["", *table.columns.values()], rows)]
    parts.append(_READING)
    parts += [_language(each) for each in results]
    parts.append(_warnings(description, results))
    return "\n\n".join(parts) + "\n"


def placed(text: str, section: str) -> str:
    """A file's text with the section between its markers.

    Raises:
        ScriptError: The markers are not there.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ScriptError(f"openapi/README.md has no place for the section: put {BEGIN!r} and {END!r} where it belongs")
    return f"{before}{begin}\n\n{section}\n{end}{after}"


def _overview(results: Sequence[Result], version: str) -> str:
    rows = [
        [
            _linked(each.language),
            "`openapi-typescript`, `openapi-fetch`" if each.language.package else f"`{each.language.generator}`",
            "`mincloud.yaml`" if each.language.contract == "mincloud.yaml" else "the portable variant",
            "not run" if each.stories is None else f"{each.stories[0]} of {each.stories[1]}",
        ]
        for each in results
    ]
    head = f"Generated with openapi-generator {version}, but for TypeScript, and looked at by program."
    return f"{head}\n\n{_table(['', 'generator', 'made from', 'stories passed'], rows)}"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _linked(language: Language) -> str:
    # As the page that shows it makes an address of a heading: without `#`, in small letters.
    return f"[{language.name}](#{'typescript' if language.package else language.name.lower().replace('#', '')})"


def _language(result: Result) -> str:
    language = result.language
    points = [*language.notes, *dict.fromkeys(result.findings.traps)]
    listed = "\n".join(f"- {_wrapped(point)}" for point in points)
    if language.package:
        # How to use it stands in a section of its own, whose address the tables link to.
        return f"### Traps of {language.name}\n\n{listed}"
    contract = "openapi/mincloud.yaml" if language.contract == "mincloud.yaml" else "portable.yaml"
    lines = [] if language.contract == "mincloud.yaml" else ["    mincloud-py contract --portable > portable.yaml"]
    options = " ".join(language.options)
    lines.append(
        f"    openapi-generator-cli generate -g {language.generator} -i {contract} -o client \\\n      {options}"
    )
    return f"### {language.name}\n\n" + "\n".join(lines) + (f"\n\n{listed}" if listed else "")


def _warnings(description: Description, results: Sequence[Result]) -> str:
    known = [(warning, "all") for warning in description.warnings]
    known += [(warning, each.language.name) for each in results for warning in each.language.warnings]
    rows = [[f"`{warning.pattern}`", whose, warning.reason] for warning, whose in known]
    return (
        "### Warnings\n\nThe generator warns of nothing but this, and `make languages` fails when it says more:\n\n"
        + _table(["warning", "languages", "why it does not matter"], rows)
    )


def _wrapped(text: str, width: int = 136) -> str:
    lines: list[str] = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) + 1 > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n  ".join(lines)


def update(path: Path, section: str, *, check: bool) -> list[str]:
    """Writes the section into a file, unless it is there as it is.

    Args:
        path: the file.
        section: the section.
        check: write nothing, and complain instead.

    Returns:
        What is wrong, a line each.

    Raises:
        ScriptError: The file has no place for it.
    """
    text = path.read_text("utf-8")
    wanted = placed(text, section)
    if text == wanted:
        return []
    if check:
        return ["openapi/README.md says something else than the clients do: `make languages` writes it anew"]
    path.write_text(wanted, "utf-8")
    print("written  openapi/README.md")
    return []
