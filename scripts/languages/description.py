"""Reads `openapi/languages/languages.yaml`: the clients, and how each is generated and run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts import ROOT
from scripts.stories.story import read_checked

DESCRIPTION = ROOT / "openapi" / "languages" / "languages.yaml"


@dataclass(frozen=True)
class Client:
    """A client, and how it is made; `openapi/languages/languages.schema.yaml` explains the keys."""

    name: str
    made_with: str
    contract: str
    generator: str = ""
    options: Sequence[str] = ()
    program: str = ""
    client: str = ""
    commands: Sequence[Sequence[str]] = ()
    build: Sequence[str] = ()
    driver: Sequence[str] = ()
    models: Sequence[str] = ()
    needs: Sequence[str] = ()
    notes: Sequence[str] = ()
    warnings: Sequence[Mapping[str, str]] = ()

    @property
    def slug(self) -> str:
        """Its name in paths."""
        return self.name.lower().replace("#", "sharp").replace(", ", "-").replace(" ", "-")


@dataclass(frozen=True)
class Description:
    """The whole file."""

    clients: Sequence[Client]
    warnings: Sequence[Mapping[str, str]] = ()


def read(path: Path = DESCRIPTION) -> Description:
    """Reads the file.

    Raises:
        ScriptError: It cannot be read or does not fit its schema; a line for each problem.
    """
    data = read_checked(path, DESCRIPTION.with_suffix(".schema.yaml"))
    return Description(**data | {"clients": [Client(**entry) for entry in data["clients"]]})
