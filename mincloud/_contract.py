"""The contract that all this stands on, as data."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, cast

from ._portable_contract import portable as portable_variant

__all__ = ["contract"]

_HOW_TO_MEND = "install mincloud again, or in a checkout run `make generate`"


def contract(*, portable: bool = False) -> dict[str, Any]:
    """The OpenAPI document of the service, `openapi/mincloud.yaml`, which the client was generated from.

    Args:
        portable: Whether to give the portable variant, in which a body that is one of several objects is one object with the fields of
            all of them. It is for generators that mangle `oneOf`.

    Returns:
        The whole document, as `json.loads` gives it, and another one each time: whoever changes it changes nobody else's.
            `["info"]["version"]` is its version.

    Raises:
        FileNotFoundError: The document is missing from this installation.
        ValueError: The document of this installation is damaged.
    """
    try:
        text = files("mincloud_api").joinpath("contract.json").read_text("utf-8")
    except FileNotFoundError as error:
        raise FileNotFoundError(f"the contract is missing from this installation: {_HOW_TO_MEND}") from error
    try:
        document = cast("dict[str, Any]", json.loads(text))
    except ValueError as error:
        raise ValueError(f"the contract of this installation is damaged: {_HOW_TO_MEND}") from error
    return portable_variant(document) if portable else document
