"""Derives stories from the contract: each operation without a token, with a wrong token, and with an unknown function."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from .contract import Contract, Operation
from .story import Step, Story

_UNKNOWN = "${nobody}"


def derived_stories(contract: Contract) -> list[Story]:
    """Derives these stories, with a step for every operation that they are about."""
    secured = [one for one in contract.operations.values() if one.secured]
    named = [one for one in secured if HTTPStatus.NOT_FOUND in one.statuses]
    cleanup = [_step(one, [204, 404]) for one in named if one.method == "DELETE"]
    return [
        _story(
            "no-token",
            "Every operation that needs a token answers 401 when there is none",
            [_step(one, 401, access_token=None, breaks_contract=True) for one in secured],
            cleanup=cleanup,
        ),
        _story(
            "unknown-function",
            "Every operation on a function that does not exist answers 404",
            [_step(one, 404) for one in named],
            languages=True,
        ),
        _story(
            "wrong-token",
            "Every operation that needs a token answers 401 to one that is wrong",
            [_step(one, 401, access_token=_UNKNOWN) for one in secured],
            languages=True,
            cleanup=cleanup,
        ),
    ]


def _story(name: str, title: str, steps: list[Step], **more: Any) -> Story:
    return Story(
        name=name,
        path=f"scripts/stories/derived.py: {name}",
        story=title,
        contract={"from": "0.1.0"},
        variables={"nobody": {"unique": "nobody"}},
        steps=steps,
        **more,
    )


def _step(operation: Operation, status: int | list[int], **more: Any) -> Step:
    """A request with the contract's first example as its body, about a function that does not exist."""
    body = operation.example
    if isinstance(body, dict):
        body = {key: _UNKNOWN if key in ("name", "function_name") else value for key, value in body.items()}
    return Step(
        step=operation.summary,
        operation=operation.name,
        parameters={name: _UNKNOWN for name, place in operation.parameters.items() if place == "path"},
        body=body,
        expect={"status": status},
        **more,
    )
