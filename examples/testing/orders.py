"""A shop's server: it has a cloud function work out a price, and another one print the invoice later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mincloud import FunctionError, TransportError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mincloud import MinCloud


class OutOfStock(Exception):
    """Something that was ordered is not there."""


def place_order(cloud: MinCloud, items: Sequence[str]) -> float:
    """Has an order priced, and its invoice printed.

    Returns:
        The price.

    Raises:
        OutOfStock: An item is not there.
    """
    try:
        price = float(cloud.functions.invoke("price", {"items": list(items)}))
    except FunctionError as error:
        if error.type == "OutOfStock":
            raise OutOfStock(error.message) from error
        raise
    try:
        cloud.functions.trigger("print_invoice", {"items": list(items), "price": price})
    except TransportError as error:
        # An invoice that may have been printed is not printed twice.
        if not error.may_have_run:
            raise
    return price
