"""The command `contract`: the OpenAPI document that all this stands on."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .exit_statuses import DONE, CommandError

if TYPE_CHECKING:
    import argparse

    from .terminal import Terminal

_PACKAGE = Path(__file__).parents[1]


def contract_file() -> Path:
    """The document: in the package, or beside it in a checkout.

    Raises:
        CommandError: It is in neither.
    """
    for path in (_PACKAGE / "contract" / "mincloud.yaml", _PACKAGE.parent / "openapi" / "mincloud.yaml"):
        if path.is_file():
            return path
    raise CommandError("the contract is missing from this installation: install mincloud again")


def contract(args: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the document, or where it is."""
    path = contract_file()
    if args.path:
        if terminal.json:
            terminal.document({"path": str(path)})
        else:
            terminal.text(str(path))
        return DONE
    text = path.read_text("utf-8")
    if not terminal.json:
        terminal.block(text)
        return DONE
    if args.yaml:
        raise CommandError("--yaml and --json are two forms: choose one")
    if find_spec("yaml") is None:
        raise CommandError("the contract as JSON needs PyYAML: pip install 'mincloud[cli]'")
    import yaml  # noqa: PLC0415 - in the `cli` extra, and needed here alone

    terminal.document(yaml.safe_load(text))
    return DONE
