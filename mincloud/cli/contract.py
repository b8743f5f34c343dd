"""The command `contract`: prints the OpenAPI document of the service."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from .._contract import as_yaml
from .._contract import contract as parsed_contract
from .exit_statuses import DONE, CommandError

if TYPE_CHECKING:
    import argparse
    from importlib.resources.abc import Traversable

    from .terminal import Terminal

_CHECKOUT = Path(__file__).parents[2]


def _contract_file() -> Traversable:
    """The file of the contract, in the installed package, which may be an archive, or in the checkout."""
    for file in (files("mincloud_api") / "mincloud.yaml", _CHECKOUT / "openapi" / "mincloud.yaml"):
        if file.is_file():
            return file
    raise CommandError("the contract is missing from this installation: install mincloud again")


def contract(args: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the contract, a variant of it, or its path."""
    if args.yaml and terminal.json:
        raise CommandError("--yaml and --json are two forms: choose one")
    derived = args.portable or args.server or args.dereferenced or args.openapi != "3.0"
    if args.path:
        if derived:
            raise CommandError(
                "--path says where the contract itself is, and a variant is only printed: leave one of them out"
            )
        file = _contract_file()
        if not isinstance(file, Path) or hasattr(sys, "frozen"):  # as by PyInstaller, whose files may be temporary
            raise CommandError(
                "this mincloud is in an archive, so the contract is no file of its own: print it instead"
            )
        terminal.result({"path": str(file)}, str(file))
        return DONE
    if not (derived or terminal.json):
        terminal.block(_contract_file().read_text("utf-8"))
        return DONE
    document = parsed_contract(
        portable=args.portable, server=args.server, openapi=args.openapi, dereferenced=args.dereferenced
    )
    if terminal.json:
        terminal.document(document)
        return DONE
    try:
        terminal.block(as_yaml(document))
    except ImportError as error:
        raise CommandError(
            "a variant as YAML needs PyYAML: pip install 'mincloud[cli]', or take it as JSON with --json"
        ) from error
    return DONE
