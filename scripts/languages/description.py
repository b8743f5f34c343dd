"""What openapi/languages/languages.yaml says: the clients, how each is made, and which of them run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import yaml

from scripts import ROOT, ScriptError

if TYPE_CHECKING:
    from pathlib import Path

DESCRIPTION = ROOT / "openapi" / "languages" / "languages.yaml"
CONTRACTS = ("mincloud.yaml", "portable.yaml")


@dataclass(frozen=True)
class KnownWarning:
    """A warning of the generator that says nothing about the client."""

    pattern: str
    reason: str


@dataclass(frozen=True)
class Client:
    """A client, and how it is made; the keys are explained in the file."""

    name: str
    made_with: str
    contract: str
    generator: str = ""
    options: tuple[str, ...] = ()
    program: str = ""
    client: str = ""
    commands: tuple[tuple[str, ...], ...] = ()
    build: tuple[str, ...] = ()
    driver: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[KnownWarning, ...] = ()

    @property
    def slug(self) -> str:
        """Its name in paths."""
        return self.name.lower().replace("#", "sharp").replace(", ", "-").replace(" ", "-")


@dataclass(frozen=True)
class Description:
    """The whole file."""

    warnings: tuple[KnownWarning, ...]
    clients: tuple[Client, ...]


def read(path: Path = DESCRIPTION) -> Description:
    """Reads the file.

    Args:
        path: Where it is.

    Raises:
        ScriptError: It cannot be read, or has a key that nobody looks at.
    """
    try:
        document: Any = yaml.safe_load(path.read_text("utf-8"))
        clients = tuple(_client(entry) for entry in document["clients"])
        description = Description(_warnings(document.get("warnings", [])), clients)
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ScriptError(f"{path.name} cannot be read: {' '.join(str(error).split())}") from error
    for client in clients:
        if client.contract not in CONTRACTS:
            raise ScriptError(f"{path.name}: {client.name} has to be made from {' or '.join(CONTRACTS)}")
        if not client.generator and not client.program:
            raise ScriptError(f"{path.name}: {client.name} needs a generator or a program")
    return description


def _client(entry: dict[str, Any]) -> Client:
    fields: dict[str, Any] = {key: _frozen(value) for key, value in entry.items()}
    fields["warnings"] = _warnings(entry.get("warnings", []))
    return Client(**fields)


def _frozen(value: object) -> Any:
    return tuple(map(_frozen, cast("list[object]", value))) if isinstance(value, list) else value


def _warnings(entries: list[dict[str, str]]) -> tuple[KnownWarning, ...]:
    return tuple(KnownWarning(**entry) for entry in entries)
