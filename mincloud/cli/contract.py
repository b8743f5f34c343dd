"""The command `contract`: the OpenAPI document that all this stands on."""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .._contract import contract as parsed_contract
from .exit_statuses import DONE, CommandError

if TYPE_CHECKING:
    import argparse

    from .terminal import Terminal

_CHECKOUT = Path(__file__).parents[2]


def contract_file() -> Path:
    """The document as it is written: in the installed package, or in the checkout that the package stands in.

    Raises:
        CommandError: It is in neither.
    """
    for path in (Path(str(files("mincloud_api"))) / "mincloud.yaml", _CHECKOUT / "openapi" / "mincloud.yaml"):
        if path.is_file():
            return path
    raise CommandError("the contract is missing from this installation: install mincloud again")


def contract(args: argparse.Namespace, terminal: Terminal) -> int:
    """Prints the document, its portable variant, or where it is."""
    if args.yaml and terminal.json:
        raise CommandError("--yaml and --json are two forms: choose one")
    if args.path:
        if args.portable:
            raise CommandError("the portable variant is derived and in no file: leave --path or --portable away")
        path = contract_file()
        if terminal.json:
            terminal.document({"path": str(path)})
        else:
            terminal.text(str(path))
        return DONE
    if terminal.json:
        terminal.document(parsed_contract(portable=args.portable))
    elif args.portable:
        if find_spec("yaml") is None:
            raise CommandError(
                "the portable variant as YAML needs PyYAML: pip install 'mincloud[cli]', or take it as JSON with --json"
            )
        from .._contract_yaml import as_yaml  # noqa: PLC0415 - PyYAML is in the `cli` extra, and needed here alone

        terminal.block(as_yaml(parsed_contract(portable=True)))
    else:
        terminal.block(contract_file().read_text("utf-8"))
    return DONE
