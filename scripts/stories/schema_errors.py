"""Says in one line why a value does not fit its JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scripts.contract.document import one_line

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


def deepest(error: ValidationError) -> tuple[tuple[str, ...], str]:
    """Where a value does not fit, and why.

    That a value fits none of several alternatives says little: of these, the one is described that fits furthest.

    Args:
        error: what the validator found.

    Returns:
        The keys that lead to the place, and the reason in one line.
    """
    while error.context:
        error = max(error.context, key=lambda alternative: len(alternative.absolute_path))
    return tuple(str(key) for key in error.absolute_path), one_line(error.message)
