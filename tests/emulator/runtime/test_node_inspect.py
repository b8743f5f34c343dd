"""Values in the logs of stubs are printed as by Node, both by the service's version and by a newer one."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mincloud_emulator.core.node_inspect import inspect, log_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mincloud_emulator.runtime import NodeInfo

SERVICE_NODE = 12
PRINTER = """
const { createInterface } = require('readline'), { format } = require('util')
createInterface({ input: process.stdin }).on('line', line => {
  const printed = format('value: ', JSON.parse(line))
  process.stdout.write(JSON.stringify(Buffer.from(printed).toString()) + '\\n')
})
"""


@pytest.fixture(scope="module")
def node_log(any_node: NodeInfo) -> Iterator[Callable[[Any], str]]:
    """Returns what ``console.log('value: ', …)`` prints of a JSON value."""
    process = subprocess.Popen(
        [any_node.path, "-e", PRINTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    assert process.stdin is not None
    assert process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    def printed(value: Any) -> str:
        stdin.write(json.dumps(value) + "\n")
        stdin.flush()
        text: str = json.loads(stdout.readline())
        return text

    yield printed
    process.communicate()


# Left out: what the two Nodes print differently, and characters whose width Unicode's versions do not agree on.
CHARACTERS = st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("\n\t\\'\"`$爱范儿éüßЖ「」가ａ")
TEXTS = st.text(CHARACTERS, max_size=30) | st.text(CHARACTERS, min_size=60, max_size=200)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.text(CHARACTERS, max_size=12) | st.integers(0, 2**33).map(str) | st.from_regex("[a-z_]{1,8}", fullmatch=True)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS | st.lists(NUMBERS, min_size=7, max_size=120) | st.lists(TEXTS, min_size=7, max_size=20),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(KEYS.filter(lambda key: key != "__proto__"), inner),
    max_leaves=25,
)


@settings(max_examples=60, deadline=None)
@given(value=VALUES)
def test_any_json_value_is_printed_as_node_prints_it(
    node_log: Callable[[Any], str], any_node: NodeInfo, value: Any
) -> None:
    ours, nodes = log_text("value: ", value), node_log(value)
    if any_node.version[0] != SERVICE_NODE:
        # A newer Node breaks some lines that the service's does not; only texts and their order mean something.
        ours, nodes = " ".join(ours.split()), " ".join(nodes.split())
    assert ours == nodes


ODD_VALUES: list[Any] = [
    {},
    [],
    {"a": {"b": {"c": {}}}, "d": {"e": {"f": {"g": 1}}}},
    [[[[]]], [[[1]]]],
    {"error": {}, "code": 0, "data": {"list": [1, [2, [3]]]}},
    -0.0,
    1e21,
    10**400,
    -(10**400),
    5e-324,
    1e-7,
    123456789012345680000,
    list(range(100)),
    list(range(101)),
    list(range(250)),
    [*range(100), "a text is out of sight"],
    ["😀"] * 8,
    "爱" * 100,
    "a\n" * 50,
    ["a\n" * 50, {"b": "c\n" * 50}],
    {"10": 1, "9": 2, "a": 3, "4294967295": 4, "4294967294": 5, "01": 6},
    "it's",
    'it\'s "quoted"',
    'it\'s "quoted" `twice`',
    'it\'s "quoted" ${once}',
    {"it's": 1, "": 2, "constructor": 3, "toString": {}},
    [[1, 2, [3]], [4, 5, [6]]] * 4,
    [None] * 30,
    ["x" * 75] * 3,
]


@pytest.mark.parametrize("value", ODD_VALUES)
def test_these_values_are_printed_as_node_prints_them(node_log: Callable[[Any], str], value: Any) -> None:
    assert log_text("value: ", value) == node_log(value)


@pytest.mark.parametrize("value", ["\x00\x1b\b\f\r", "\x7f\x85", "\ud83d", "a" * 10_001, {"\ud83d": ["\x1b"]}])
def test_where_nodes_differ_it_is_printed_as_the_services_node_prints_it(
    node_log: Callable[[Any], str], any_node: NodeInfo, value: Any
) -> None:
    if any_node.version[0] == SERVICE_NODE:
        assert log_text("value: ", [value]) == node_log([value])
    inspect(value).encode()
