"""The contract and its variants, as data and as YAML."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["contract"]

_HOW_TO_MEND = "install mincloud again, or in a checkout run `make generate`"


def contract(
    *, portable: bool = False, server: bool = False, openapi: Literal["3.0", "3.1"] = "3.0", dereferenced: bool = False
) -> dict[str, Any]:
    """The OpenAPI document of the service, `openapi/mincloud.yaml`, which the client was generated from.

    The variants combine; `["info"]["x-variant"]` names those that were chosen, where there are any.

    Args:
        portable: Whether to give the portable variant, in which a body that is one of several objects is one object with the fields of
            all of them. It is for generators that mangle `oneOf`.
        server: Whether to give the server's variant, which takes what working clients send beyond what is documented, and errors with
            any body. It is for servers, validating proxies and test programs like schemathesis.
        openapi: The version of OpenAPI. 3.1 has no `nullable`, and says with `if` when `schema_id` is required.
        dereferenced: Whether each reference is replaced by what it leads to, for tools that follow none.

    Returns:
        The whole document, as `json.loads` gives it, a new one each time.
            `["info"]["version"]` is its version.

    Raises:
        FileNotFoundError: The document is missing from this installation.
        ValueError: The document of this installation is damaged, or there is no such version of OpenAPI.
    """
    if openapi not in ("3.0", "3.1"):
        raise ValueError(f"openapi is '3.0' or '3.1', not {openapi!r}")
    chosen = {"portable": portable, "server": server, "openapi-3.1": openapi == "3.1"}
    name = "-".join(name for name, wanted in chosen.items() if wanted)
    place = files("mincloud_api").joinpath(*(("variants", f"{name}.json") if name else ("contract.json",)))
    try:
        text = place.read_text("utf-8")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"the contract is missing from this installation: {_HOW_TO_MEND}") from error
    try:
        document = cast("dict[str, Any]", json.loads(text))
    except ValueError as error:
        raise ValueError(f"the contract of this installation is damaged: {_HOW_TO_MEND}") from error
    return without_references(document) if dereferenced else document


def without_references(document: Mapping[str, Any]) -> dict[str, Any]:
    """Copies a document with each reference replaced by its target; no reference of the contract is recursive."""
    return cast("dict[str, Any]", _dereferenced(document, document))


def _dereferenced(node: object, document: Mapping[str, Any]) -> object:
    if isinstance(node, list):
        return [_dereferenced(item, document) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    mapping = cast("dict[str, Any]", node)
    if "$ref" in mapping:
        target: Any = document
        for step in mapping["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        return _dereferenced(target, document)
    return {key: _dereferenced(value, document) for key, value in mapping.items()}


def as_yaml(document: Mapping[str, Any]) -> str:
    """Formats a document as YAML in its own order, without anchors, and with block style for text of several lines."""
    import yaml  # noqa: PLC0415 - only the extra `cli` has it

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

        def text(self, text: str) -> yaml.ScalarNode:
            style = "|" if "\n" in text else None
            return self.represent_scalar("tag:yaml.org,2002:str", text, style)  # pyright: ignore[reportUnknownMemberType] - PyYAML's stubs

    Dumper.add_representer(str, Dumper.text)
    return yaml.dump(dict(document), Dumper=Dumper, allow_unicode=True, sort_keys=False, width=120)
