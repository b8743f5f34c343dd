r"""Prints JSON values as Node's ``console.log`` does, for the logs of stubs.

The rules are those of ``util.inspect`` in Node 12, which the service runs. Newer versions differ in some line breaks, control
characters (``\u001b`` became ``\x1B``), halves of surrogate pairs, texts above 10,000 characters, and the key ``__proto__``.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

_LINE_WIDTH = 80
_MOST_DEPTH = 2  # levels below the top that are shown
_MOST_ITEMS = 100
_LEVELS_ON_A_LINE = 3
_GROUPED_FROM = 7  # items; a shorter list is not set in columns
_MOST_COLUMNS = 12
_SHORTEST_SPLIT = 16  # characters; a shorter text stays on its line
_LARGEST_INDEX = 2**32 - 2
_PLAIN_KEY = re.compile(r"[a-zA-Z_][a-zA-Z_0-9]*")
_INDEX_KEY = re.compile(r"0|[1-9][0-9]{0,9}")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPES = {
    **{chr(code): f"\\u{code:04x}" for code in range(32)},
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
    "\\": "\\\\",
}


def log_text(label: str, value: Any) -> str:
    """Returns what ``console.log(label, value)`` prints in Node; the label has no percent sign."""
    return f"{label} {_encodable(value) if isinstance(value, str) else inspect(value)}"


def inspect(value: Any) -> str:
    """Returns a JSON value as Node's ``util.inspect`` prints it, so without deep levels and the ends of long lists."""
    return _encodable(_Printer().value(value, depth=0, indentation=0))


class _Printer:
    def __init__(self) -> None:
        self._reached = 0  # the depth of the list or object that was printed last

    def value(self, value: Any, depth: int, indentation: int) -> str:
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return _number(value)
        if isinstance(value, str):
            return _text(value, indentation)
        if isinstance(value, Mapping):
            return self._object(cast("Mapping[str, Any]", value), depth, indentation)
        return self._array(list(value), depth, indentation)

    def _array(self, values: list[Any], depth: int, indentation: int) -> str:
        if not values:
            return "[]"
        if depth > _MOST_DEPTH:
            return "[Array]"
        self._reached = depth
        output = [self.value(value, depth + 1, indentation + 2) for value in values[:_MOST_ITEMS]]
        left_out = len(values) - len(output)
        if left_out:
            output.append(f"... {left_out} more item{'s' if left_out > 1 else ''}")
        lines = _in_columns(output, values, indentation) if len(output) >= _GROUPED_FROM else output
        return self._joined(lines, "[]", depth, indentation, grouped=len(lines) != len(output))

    def _object(self, members: Mapping[str, Any], depth: int, indentation: int) -> str:
        if not members:
            return "{}"
        if depth > _MOST_DEPTH:
            return "[Object]"
        self._reached = depth
        output = [
            f"{key if _PLAIN_KEY.fullmatch(key) else _quoted(key)}: {self.value(value, depth + 1, indentation + 2)}"
            for key, value in _in_order(members)
        ]
        return self._joined(output, "{}", depth, indentation, grouped=False)

    def _joined(self, output: list[str], braces: str, depth: int, indentation: int, *, grouped: bool) -> str:
        if self._reached - depth < _LEVELS_ON_A_LINE and not grouped:
            # The 11 are the brace and Node's reserve for a prefix.
            width = 2 * len(output) + indentation + 11 + sum(map(_length, output))
            if width <= _LINE_WIDTH:
                return f"{braces[0]} {', '.join(output)} {braces[1]}"
        line_break = f"\n{' ' * indentation}"
        return f"{braces[0]}{line_break}  {f',{line_break}  '.join(output)}{line_break}{braces[1]}"


def _in_order(members: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Returns the members of an object in JavaScript's order: whole numbers first, in ascending order."""
    indexes = [key for key in members if _INDEX_KEY.fullmatch(key) and int(key) <= _LARGEST_INDEX]
    if not indexes:
        return list(members.items())
    ordered = dict.fromkeys(sorted(indexes, key=int)) | dict.fromkeys(members)
    return [(key, members[key]) for key in ordered]


def _in_columns(output: list[str], values: list[Any], indentation: int) -> list[str]:
    """Returns the lines in which the items of a list stand in columns, or the items if they are too long for that."""
    count = min(len(values), _MOST_ITEMS)
    widths = [_width(item) for item in output[:count]]
    widest = max(widths) + 2
    total = sum(widths) + 2 * count
    if widest * 3 + indentation >= _LINE_WIDTH or (total / widest <= 5 and widest > 8):  # noqa: PLR2004 - Node's own
        return output
    biased = max(widest - 3 - math.sqrt(widest - total / len(output)), 1)
    columns = min(
        math.floor(math.sqrt(2.5 * biased * count) / biased + 0.5),
        (_LINE_WIDTH - indentation) // widest,
        _MOST_COLUMNS,
    )
    if columns <= 1:
        return output
    column_widths = [max(widths[column::columns], default=0) + 2 for column in range(columns)]
    numbers = all(map(_is_number, values[: len(output)]))
    lines: list[str] = []
    for start in range(0, count, columns):
        cells: list[str] = []
        for item, width, column in zip(
            output[start : min(start + columns, count)], widths[start:], column_widths, strict=False
        ):
            last = start + len(cells) + 1 in {start + columns, count}
            padding = " " * (column - 2 - width)
            if numbers:
                cells.append(f"{padding}{item}" + ("" if last else ", "))
            else:
                cells.append(item if last else f"{item}, {padding}")
        lines.append("".join(cells))
    return lines + output[count:]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: float) -> str:
    """Prints a number as JavaScript does."""
    try:
        number = float(value)  # JavaScript has no other numbers
    except OverflowError:
        return "Infinity" if value > 0 else "-Infinity"
    if math.isinf(number) or math.isnan(number):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[str(number)]
    if number == 0:
        return "-0" if math.copysign(1, number) < 0 else "0"
    sign = "-" if number < 0 else ""
    decimal = Decimal(repr(abs(number))).normalize()  # with the fewest digits that mean this number, as in JavaScript
    digits = "".join(map(str, decimal.as_tuple().digits))
    point = decimal.adjusted() + 1  # the number is 0.DIGITS times ten to the power of this
    if 0 < point <= 21:  # noqa: PLR2004 - from here on JavaScript writes an exponent
        placed = digits.ljust(point, "0")
        return f"{sign}{placed[:point]}" + (f".{placed[point:]}" if len(placed) > point else "")
    if -6 < point <= 0:  # noqa: PLR2004 - likewise
        return f"{sign}0.{'0' * -point}{digits}"
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1:+d}"


def _text(text: str, indentation: int) -> str:
    length = _length(text)
    if length <= _SHORTEST_SPLIT or length <= _LINE_WIDTH - indentation - 4:
        return _quoted(text)
    return f" +\n{' ' * (indentation + 2)}".join(map(_quoted, re.split(r"(?<=\n)(?!\Z)", text)))


def _quoted(text: str) -> str:
    quote = "'"
    if "'" in text:
        if '"' not in text:
            quote = '"'
        elif "`" not in text and "${" not in text:
            quote = "`"
    escaped = re.sub(r"[\x00-\x1f\\]", lambda found: _ESCAPES[found[0]], text)
    return quote + (escaped.replace("'", "\\'") if quote == "'" else escaped) + quote


def _length(text: str) -> int:
    """Counts characters as JavaScript does: one outside of the basic plane counts twice."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _width(text: str) -> int:
    """Returns how many columns a text takes in a terminal, according to Python's character tables."""
    if text.isascii() and text.isprintable():
        return len(text)
    return sum(map(_character_width, unicodedata.normalize("NFC", text)))


def _character_width(character: str) -> int:
    if character != "\u00ad" and unicodedata.category(character) in {"Cc", "Cf", "Me", "Mn"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"F", "W"} else 1


def _encodable(text: str) -> str:
    return _LONE_SURROGATE.sub("\ufffd", text)
