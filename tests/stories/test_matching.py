"""How an answer's body is compared with the expected one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.stories.values import ABSENT, mismatch, resolve_pointer


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({}, {"a": 1}),
        ({"a": {"b": [{"c": 1}]}}, {"a": {"b": [{"c": 1, "d": 2}]}}),
        ([], []),
        (1, 1.0),
        (None, None),
        ({"a": {"$absent": True}}, {}),
        ({"$absent": True}, ABSENT),
        ({"$type": "integer"}, 5),
        ({"$type": "integer"}, 5.0),
        ({"$type": "number"}, 5),
        ({"$type": ["string", "null"]}, None),
        ({"$type": "array"}, []),
        ({"$pattern": "^h.$"}, "hi"),
        ({"$contains": {"a": {"$type": "string"}}}, [{"a": 1}, {"a": "b", "c": 1}]),
    ],
)
def test_a_body_is_as_expected_when_what_is_expected_is_part_of_it(expected: Any, actual: Any) -> None:
    assert mismatch(expected, actual, json.dumps) is None


@pytest.mark.parametrize(
    ("expected", "actual", "complaint"),
    [
        ({"a": 1}, {"a": 2}, "body at /a: expected 1, got 2"),
        ({"a": 1}, {}, "body at /a: expected 1, got nothing"),
        ({"a": None}, {}, "body at /a: expected null, got nothing"),
        ({"a": 1}, ABSENT, 'body: expected {"a": 1}, got nothing'),
        ({"a": 1}, [1], 'body: expected {"a": 1}, got [1]'),
        ({"a": {"b/c": [0, {"d~": 1}]}}, {"a": {"b/c": [0, {"d~": 2}]}}, "body at /a/b~1c/1/d~0: expected 1, got 2"),
        ([1], {"a": 1}, 'body: expected [1], got {"a": 1}'),
        ([1], [1, 2], "body: expected 1 items, got 2: [1, 2]"),
        (1, True, "body: expected 1, got true"),
        (False, 0, "body: expected false, got 0"),
        ("1", 1, 'body: expected "1", got 1'),
        ({"a": {"$absent": True}}, {"a": None}, "body at /a: expected nothing, got null"),
        ({"$absent": True}, "", 'body: expected nothing, got ""'),
        ({"$type": "integer"}, True, "body: expected integer, got true"),
        ({"$type": "integer"}, 5.5, "body: expected integer, got 5.5"),
        ({"$type": "number"}, False, "body: expected number, got false"),
        ({"$type": ["string", "null"]}, ABSENT, "body: expected string or null, got nothing"),
        ({"$pattern": "^h.$"}, "hit", 'body: expected a string with "^h.$", got "hit"'),
        ({"$pattern": "1"}, 1, 'body: expected a string with "1", got 1'),
        ({"$contains": 1}, [2], "body: expected a list that contains 1, got [2]"),
        ({"$contains": {"a": 1}}, {"a": 1}, 'body: expected a list that contains {"a": 1}, got {"a": 1}'),
    ],
)
def test_the_first_difference_is_said_with_its_place(expected: Any, actual: Any, complaint: str) -> None:
    assert mismatch(expected, actual, json.dumps) == complaint


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/a", [{"b/c": 1}]),
        ("/a/0/b~1c", 1),
        ("/a/1", ABSENT),
        ("/a/-1", ABSENT),
        ("/x/y", ABSENT),
        ("/a/0/b~1c/d", ABSENT),
    ],
)
def test_a_pointer_leads_to_a_value_or_to_nothing(pointer: str, value: Any) -> None:
    assert resolve_pointer({"a": [{"b/c": 1}]}, pointer) == value
