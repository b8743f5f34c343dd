"""Ways to break a copy of the contract in one place."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]
Change = Callable[[Document], None]

LEGACY = "/oserve/v1/cloud-function/job/"
FUNCTIONS = "/oserve/v1.3/cloud-function/"
FUNCTION = "/oserve/v1.3/cloud-function/{function_name}/"
DEBUG = f"{FUNCTION}debug/"
JOBS = f"{FUNCTION}job/"
AUTHORIZE = "/api/oauth2/hydrogen/openapi/authorize/"
TOKEN = "/api/oauth2/access_token/"
JSON = "application/json"


@dataclass(frozen=True)
class Mutation:
    """One way to break the contract.

    Attributes:
        rule: The id of the rule that it breaks.
        change: Breaks a document in place.
        place: What the place of the problem ends in.
        says: What its message contains.
    """

    rule: str
    change: Change
    place: str
    says: str


def broken(contract: Document, mutation: Mutation) -> Document:
    """A copy of the contract with the mutation applied."""
    document = deepcopy(contract)
    mutation.change(document)
    return document


def value_at(node: Any, *keys: str | int) -> Any:
    """What stands under the keys."""
    for key in keys:
        node = node[key]
    return node


def put(*keys: str | int, value: object) -> Change:
    """Sets what stands under the keys."""

    def change(document: Document) -> None:
        value_at(document, *keys[:-1])[keys[-1]] = deepcopy(value)

    return change


def drop(*keys: str | int) -> Change:
    """Takes away what stands under the keys."""

    def change(document: Document) -> None:
        del value_at(document, *keys[:-1])[keys[-1]]

    return change


def add(*keys: str | int, value: object) -> Change:
    """Adds to the list that stands under the keys."""

    def change(document: Document) -> None:
        value_at(document, *keys).append(deepcopy(value))

    return change


def rename_path(old: str, new: str) -> Change:
    """Gives a path another name."""

    def change(document: Document) -> None:
        document["paths"][new] = document["paths"].pop(old)

    return change


def all_of(*changes: Change) -> Change:
    """Several changes, one after the other."""

    def change(document: Document) -> None:
        for each in changes:
            each(document)

    return change
