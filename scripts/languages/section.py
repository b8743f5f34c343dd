"""The section of openapi/README.md that is written from what was found, between two markers."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scripts import ROOT, ScriptError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .description import Client, Description

README = ROOT / "openapi" / "README.md"
BEGIN = (
    "<!-- languages: what follows is written by `make languages`; change openapi/languages/languages.yaml instead -->"
)
END = "<!-- languages: end -->"


@dataclass(frozen=True)
class Result:
    """What a program saw of a client; None where it did not run.

    Attributes:
        client: The client.
        stories: How many stories passed, of how many.
        secret: Whether a secret arrives as it is.
        path: Whether `a/b 测` is encoded in a path.
    """

    client: Client
    stories: tuple[int, int] | None = None
    secret: bool | None = None
    path: bool | None = None


def render(description: Description, results: Sequence[Result], version: str) -> str:
    """The section, without its markers.

    Args:
        description: The warnings that are known.
        results: The clients, in order.
        version: The version of openapi-generator.
    """
    answers = {True: "yes", False: "**no**", None: ""}
    rows = [
        [
            each.client.name,
            f"`{each.client.generator}`" if each.client.generator else each.client.made_with,
            "`mincloud.yaml`" if each.client.contract == "mincloud.yaml" else "the portable variant",
            "" if each.stories is None else f"{each.stories[0]} of {each.stories[1]}",
            answers[each.secret],
            answers[each.path],
        ]
        for each in results
    ]
    headings = [
        "",
        "made with",
        "made from",
        "stories passed",
        "a secret arrives as it is",
        "`a/b 测` is encoded in a path",
    ]
    parts = [
        f"Made with openapi-generator {version} where its name for the language stands alone. An empty cell was not run.",
        _table(headings, rows),
        *map(_client, [each.client for each in results]),
        _warnings(description, [each.client for each in results]),
    ]
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


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _client(client: Client) -> str:
    lines: list[str] = []
    if client.generator:
        portable = client.contract == "portable.yaml"
        lines += ["    mincloud-py contract --portable > portable.yaml"] if portable else []
        contract = client.contract if portable else f"openapi/{client.contract}"
        lines.append(f"    openapi-generator-cli generate -g {client.generator} -i {contract} -o client \\")
        lines += [f"      {' '.join(client.options)}", ""]
    lines += ["\n  ".join(textwrap.wrap(f"- {note}", 136, break_long_words=False)) for note in client.notes]
    return f"### {client.name}\n\n" + "\n".join(lines).rstrip()


def _warnings(description: Description, clients: Sequence[Client]) -> str:
    known = [(warning, "all") for warning in description.warnings]
    known += [(warning, client.name) for client in clients for warning in client.warnings]
    rows = [[f"`{warning.pattern}`", whose, warning.reason] for warning, whose in known]
    return (
        "### Warnings\n\nThe generator warns of nothing but this, and `make languages` fails when it says more:\n\n"
        + _table(["warning", "languages", "why it does not matter"], rows)
    )


def update(path: Path, section: str, *, check: bool) -> list[str]:
    """Writes the section into a file, unless it is there as it is.

    Args:
        path: The file.
        section: The section.
        check: Write nothing, and complain instead.

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
