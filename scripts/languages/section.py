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
_HEADINGS = [
    "",
    "made with",
    "made from",
    "stories passed",
    "a secret arrives as it is",
    "`a/b 测` is encoded in a path",
]


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
    """The section, without its markers, by what was found with this version of openapi-generator."""
    clients = [result.client for result in results]
    known = [("all", warning) for warning in description.warnings]
    known += [(client.name, warning) for client in clients for warning in client.warnings]
    warnings = [[f"`{warning['pattern']}`", whose, warning["reason"]] for whose, warning in known]
    parts = [
        f"Made with openapi-generator {version} where its name for the language stands alone. An empty cell was not run.",
        _table(_HEADINGS, [_row(result) for result in results]),
        *map(_client, clients),
        "### Warnings",
        "The generator warns of nothing but this, and `make languages` fails when it says more:",
        _table(["warning", "languages", "why it does not matter"], warnings),
    ]
    return "\n\n".join(parts) + "\n"


def _row(result: Result) -> list[str]:
    client, answers = result.client, {True: "yes", False: "**no**", None: ""}
    return [
        client.name,
        f"`{client.generator}`" if client.generator else client.made_with,
        "`mincloud.yaml`" if client.contract == "mincloud.yaml" else "the portable variant",
        "{} of {}".format(*result.stories) if result.stories else "",
        answers[result.secret],
        answers[result.path],
    ]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _client(client: Client) -> str:
    lines = [f"### {client.name}", ""]
    if client.generator:
        portable = client.contract == "portable.yaml"
        lines += ["    mincloud-py contract --portable > portable.yaml"] if portable else []
        contract = client.contract if portable else f"openapi/{client.contract}"
        lines.append(f"    openapi-generator-cli generate -g {client.generator} -i {contract} -o client \\")
        lines += [f"      {' '.join(client.options)}", ""]
    lines += ["\n  ".join(textwrap.wrap(f"- {note}", 136, break_long_words=False)) for note in client.notes]
    return "\n".join(lines).rstrip()


def update(path: Path, section: str, *, check: bool) -> list[str]:
    """Writes the section into a file, or gives a line that says that it is not there as it is, to check.

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
