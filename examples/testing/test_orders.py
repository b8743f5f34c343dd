from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from orders import OutOfStock, place_order

from mincloud import MinCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mincloud_emulator import Emulator


@pytest.fixture
def cloud(mincloud_emulator: Emulator) -> Iterator[MinCloud]:
    mincloud_emulator.stub("price", lambda event: 9.5 * len(event["data"]["items"]))
    mincloud_emulator.stub("print_invoice", lambda event: None)
    with MinCloud(base_url=mincloud_emulator.url, access_token=mincloud_emulator.access_token) as cloud:
        yield cloud


def test_an_order_is_priced_and_its_invoice_printed(cloud: MinCloud, mincloud_emulator: Emulator) -> None:
    assert place_order(cloud, ["茶", "杯"]) == 19.0
    mincloud_emulator.settle()
    [invoice] = mincloud_emulator.calls_of("print_invoice")
    assert invoice.data == {"items": ["茶", "杯"], "price": 19.0}


def test_an_item_that_is_not_there_is_said_to_be_out_of_stock(cloud: MinCloud, mincloud_emulator: Emulator) -> None:
    def out_of_stock(event: dict[str, Any]) -> float:
        raise OutOfStock("no 茶 left")

    mincloud_emulator.stub("price", out_of_stock)
    with pytest.raises(OutOfStock, match="no 茶 left"):
        place_order(cloud, ["茶"])


def test_an_invoice_whose_answer_is_lost_is_not_printed_twice(cloud: MinCloud, mincloud_emulator: Emulator) -> None:
    mincloud_emulator.drop_next(path="*/print_invoice/job/", after=True)
    place_order(cloud, ["茶"])
    mincloud_emulator.settle()
    assert len(mincloud_emulator.calls_of("print_invoice")) == 1


def test_an_order_survives_a_gateway_that_is_away_for_a_moment(cloud: MinCloud, mincloud_emulator: Emulator) -> None:
    mincloud_emulator.fail_next(status=429, headers={"Retry-After": "0"}, path="*/price/job/")
    assert place_order(cloud, ["茶"]) == 9.5
