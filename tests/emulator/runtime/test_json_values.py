"""JSON values that are passed to a function and back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mincloud_emulator.runtime import Runtime

from .conftest import Caller, function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-(2.0**53), 2.0**53)  # beyond, JavaScript writes integers that Python reads more exactly
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture(scope="module")
def echo() -> Iterator[Callable[[Any], Any]]:
    """Calls a function that returns its data, in an event loop of its own."""
    echoing = function("exports.main = (event, callback) => callback(null, event.data)")
    with asyncio.Runner() as runner:
        runtime = Runtime(prewarm=False)
        caller = Caller(runtime)
        yield lambda data: runner.run(caller(echoing, data)).data
        runner.run(runtime.aclose())


@settings(max_examples=100, deadline=None)
@given(values=st.lists(json_values, max_size=3))
def test_any_json_value_comes_back_equal(echo: Callable[[Any], Any], values: list[Any]) -> None:
    assert echo(values) == values
