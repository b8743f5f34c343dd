"""The command `contract`: the OpenAPI document that all this stands on."""

from __future__ import annotations

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


def contract_source() -> Traversable:
    """The document as it is written: in the installed package, which may be an archive, or in the checkout that it stands in.

    Raises:
        CommandError: It is in neither.
    """
    for source in (files("mincloud_api") / "mincloud.yaml", _CHECKOUT / "openapi" / "mincloud.yaml"):
        if source.is_file():
            return source
    raise CommandError("the contract is missing from this installation: install mincloud again")


def contract(args: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the document, a variant of it, or where it is."""
    if args.yaml and terminal.json:
        raise CommandError("--yaml and --json are two forms: choose one")
    derived = args.portable or args.server or args.dereferenced or args.openapi != "3.0"
    if args.path:
        if derived:
            raise CommandError(
                "--path says where the contract itself is, and a variant is only printed: leave one of them away"
            )
        path = contract_source()
        if not isinstance(path, Path):
            raise CommandError(
                "this mincloud is in an archive, so the contract is no file of its own: print it instead"
            )
        if terminal.json:
            terminal.document({"path": str(path)})
        else:
            terminal.text(str(path))
        return DONE
    if not (derived or terminal.json):
        terminal.block(contract_source().read_text("utf-8"))
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
