"""The stories that the contract alone decides: what each operation answers without a token, with a wrong one, and for no function."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from .story import Step, Story
from .values import as_object

if TYPE_CHECKING:
    from collections.abc import Callable

    from .contract import Contract, Operation

_NOBODY = "${nobody}"
_FROM = "0.1.0"


def derived_stories(contract: Contract) -> list[Story]:
    """These stories, with a step for every operation that there is."""
    secured = [one for one in contract.operations.values() if one.secured]
    named = [one for one in secured if HTTPStatus.NOT_FOUND in one.statuses]
    delete = next((one for one in named if one.method == "DELETE"), None)
    cleanup = (_step(delete, statuses=(204, 404)),) if delete else ()

    def story(name: str, title: str, steps: list[Step], **more: Any) -> Story:
        path = f"scripts/stories/derived.py: {name}"
        return Story(
            name, path, title, _FROM, None, emulator=None, unique={"nobody": "nobody"}, steps=tuple(steps), **more
        )

    def each(operations: list[Operation], make: Callable[[Operation], Step]) -> list[Step]:
        return [make(operation) for operation in operations]

    return [
        story(
            "no-token",
            "Every operation that needs a token answers 401 when there is none",
            each(secured, lambda one: _step(one, access_token=None, breaks_contract=True, statuses=(401,))),
            languages=False,
            cleanup=cleanup,
        ),
        story(
            "unknown-function",
            "Every operation on a function that does not exist answers 404",
            each(named, lambda one: _step(one, statuses=(404,))),
            languages=True,
        ),
        story(
            "wrong-token",
            "Every operation that needs a token answers 401 to one that is wrong",
            each(secured, lambda one: _step(one, access_token=_NOBODY, statuses=(401,))),
            languages=True,
            cleanup=cleanup,
        ),
    ]


def _step(operation: Operation, *, statuses: tuple[int, ...], **more: Any) -> Step:
    """A request as the contract's first example has it, of a function that nobody made."""
    body = operation.example
    if (fields := as_object(body)) is not None:
        body = {key: _NOBODY if key in ("name", "function_name") else value for key, value in fields.items()}
    return Step(
        title=operation.summary,
        operation=operation.name,
        parameters={name: _NOBODY for name, place in operation.parameters.items() if place == "path"},
        body=body,
        statuses=statuses,
        **more,
    )
