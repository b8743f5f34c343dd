"""Writes the results into a section of openapi/README.md, between two markers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Template

from scripts import ROOT, ScriptError

from .description import Client, Description

README = ROOT / "openapi" / "README.md"
BEGIN = (
    "<!-- languages: what follows is written by `make languages`; change openapi/languages/languages.yaml instead -->"
)
END = "<!-- languages: end -->"


@dataclass(frozen=True)
class Result:
    """The results of a client: how many stories passed of how many, and both probes; None where it did not run."""

    client: Client
    stories: tuple[int, int] | None = None
    secret: bool | None = None
    path: bool | None = None


def render(description: Description, results: Sequence[Result], version: str) -> str:
    """Renders the section, without its markers; the version is that of openapi-generator."""
    text = Path(__file__).with_name("section.md.jinja").read_text("utf-8")
    template = Template(text, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    return str(template.render(description=description, results=results, version=version))


def update(path: Path, section: str, *, check: bool) -> list[str]:
    """Writes the section into a file, or with `check` returns a line if it is not up to date there.

    Raises:
        ScriptError: The file does not have the markers that it goes between.
    """
    text = path.read_text("utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ScriptError(f"openapi/README.md has no place for the section: put {BEGIN!r} and {END!r} where it belongs")
    wanted = f"{before}{begin}\n\n{section}\n{end}{after}"
    if text == wanted:
        return []
    if check:
        return ["openapi/README.md says something else than the clients do: `make languages` writes it anew"]
    path.write_text(wanted, "utf-8")
    print("written  openapi/README.md")
    return []
