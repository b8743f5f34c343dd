"""Parses a job's log: the data that the function was called with, its result, and its error.

The runtime logs a label and a value as Node's `util.inspect` prints it. Values are parsed exactly or not at all: what inspect truncates
(`[Object]`, `... 10 more items`) is kept as a marker, and what JSON does not have is refused. A function can log lines that look like the
runtime's, so a result is returned only where every reading of the log gives the same.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

# What a log shows of a value: equal for values that are printed alike.
LoggedForm: TypeAlias = "Hashable"

# The limits of util.inspect as console.log uses it.
_DEPTH = 2
_MOST_ITEMS = 100
_LONGEST_TEXT = 10_000

_STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
_MESSAGE = re.compile(rf"^{_STAMP} ([A-Z]+) ", re.MULTILINE)
_FIRST_LINE = re.compile(rf"{_STAMP} LOG event\.data:  ")
_RETURN_LINE = re.compile(rf"{_STAMP} LOG return:  ")
_RESULT_LINE = re.compile(r"mincloud\.result[ \t]+")

_SPACE = re.compile(r"\s*")
_KEY = re.compile(r"[A-Za-z_$][\w$]*|\d+", re.ASCII)
_NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?(?:e[+-]\d+)?|Infinity)|NaN")
_WORD = re.compile(r"true|false|null|undefined")
_MORE = re.compile(r"\.\.\. (\d+) more items?")
_TRUNCATED_TEXT = re.compile(r"\s*\.\.\. \d+ more characters?")
_CONTINUED = re.compile(r"\s*\+\s*(?=['\"`])")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]+)\}|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_SURROGATES = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}
# Values other than text that JSON does not have: instances, maps, buffers, symbols, errors with their stack.
_NOT_JSON = re.compile(
    r"[\w$.]+ ?(?:\([^)\n]*\) ?)?(?:<[^>\n]*> ?)?(?:\[[^\]\n]*\] ?)?[{\[][\s\S]*[}\]]$"
    r"|<(?:Buffer|ref|\d+ empty)\b|Symbol\(|-?\d+n$|[\s\S]*\n +at "
)

_ADVICE = "have the function log a line `mincloud.result <JSON>` with what it returns, which is read whatever its size"


class ResultNotLogged(ValueError):
    """The log does not show all of what a function returned; the message says why in one sentence."""


class _Unparsable(Exception):
    """A text is no value as inspect prints it, or one that JSON does not have."""


@dataclass(frozen=True, slots=True)
class _Truncated:
    """The marker that inspect prints instead of a value that is nested too deep; `kind` is "Object" or "Array"."""

    kind: str


@dataclass(frozen=True, slots=True)
class _TruncatedList:
    """A list of which only the first items are printed, and how many more it has."""

    items: list[Any]
    more: int


class _Undefined:
    """JavaScript's undefined, which JSON omits from objects and writes as null in lists."""


_UNDEFINED = _Undefined()


def logged_form(data: Any) -> LoggedForm | None:
    """What a log shows of a JSON value, to compare with `logged_data`; None if it cannot be parsed from a log."""
    try:
        return _canonical(data, 0, _DEPTH)
    except (_Unparsable, RecursionError):
        return None


def logged_data(log: str) -> LoggedForm | None:
    """What the first line of a log shows of the data that its call was sent; None without such a line, or if it cannot be parsed."""
    try:
        value, _ = _first_line(log)
        return _canonical(value, 0, _DEPTH)
    except (_Unparsable, RecursionError):
        return None


def logged_result(log: str) -> Any:
    """What a fulfilled job's function returned, from its own `mincloud.result` line or from the runtime's return line.

    Raises:
        ResultNotLogged: The log does not show all of it, or can be read in several ways.
    """
    if not _FIRST_LINE.match(log):
        raise ResultNotLogged(f"the log does not begin with the runtime's first line: {_ADVICE}")
    explicit = _explicit_results(log)
    try:
        shown, depth = _returned(log)
    except ResultNotLogged:
        if explicit:
            return explicit[0]
        raise
    if not explicit:
        return _as_json(shown)
    if not _agrees(shown, explicit[0], depth):
        raise ResultNotLogged(
            "the log's `mincloud.result` line and its return line show different results: log what is returned"
        )
    return explicit[0]


def logged_error(log: str) -> str | None:
    """The error that ended a failed job, as `TypeError: username is missing`; None if the log shows none."""
    errors = [text.strip("\n") for level, text in _messages(log) if level == "ERROR"]
    if not errors:
        return None
    # The runtime's has a stack; what the function logs as an error itself need not have one.
    text = next((each for each in reversed(errors) if "\n    at " in each), errors[-1])
    text = text.partition("\n    at ")[0]
    # A syntax error begins with the line of code, and a blank line stands between it and the message.
    _, separator, message = text.rpartition("\n\n")
    return (message if separator and message else text).strip() or None


def _messages(log: str) -> Iterator[tuple[str, str]]:
    """The level and the text of each message."""
    starts = [*_MESSAGE.finditer(log)]
    for start, following in zip(starts, [*starts[1:], None], strict=False):
        yield start[1], log[start.end() : following.start() if following else len(log)]


def _first_line(log: str) -> tuple[Any, int]:
    start = _FIRST_LINE.match(log)
    if start is None:
        raise _Unparsable
    value, end = _Parser(log).value(start.end(), 0)
    if end < len(log) and log[end] != "\n":
        raise _Unparsable
    return value, end


def _returned(log: str) -> tuple[Any, int]:
    """What the return line shows, possibly truncated, and its depth within the printed value."""
    if not log.endswith("\n"):
        raise ResultNotLogged(f"the log was cut: {_ADVICE}")
    try:
        _, searched_from = _first_line(log)
    except (_Unparsable, RecursionError):
        searched_from = 0
    results: list[tuple[Any, int]] = []
    while (found := _RETURN_LINE.search(log, searched_from)) is not None:
        if found.start() and log[found.start() - 1] != "\n":
            raise ResultNotLogged(
                f"the log has text that looks like the runtime's return line within another line: {_ADVICE}"
            )
        value, depth, searched_from = _return_line(log, found.end())
        results.append((value, depth))
    if not results:
        raise ResultNotLogged(f"the log has no return line: {_ADVICE}")
    if len({_canonical(value, 0, math.inf) for value, _ in results}) > 1:
        raise ResultNotLogged(f"the log has several lines that look like the runtime's return line: {_ADVICE}")
    return results[0]


def _return_line(log: str, start: int) -> tuple[Any, int, int]:
    """What one return line shows, its depth within the printed value, and where the line ends."""
    try:
        value, end = _Parser(log).value(start, 0)
    except RecursionError:
        raise ResultNotLogged(f"the return line is nested too deeply to be read: {_ADVICE}") from None
    except _Unparsable:
        value, end = None, -1
    whole = end >= 0 and log[end] == "\n" and (end + 1 == len(log) or _MESSAGE.match(log, end + 1) is not None)
    if whole and isinstance(value, dict):
        answer = cast("dict[str, Any]", value)
        if set(answer) == {"error", "code", "data"}:
            if answer["code"] != 0 or answer["error"] != {}:
                raise ResultNotLogged("the return line shows a failure, though the job is fulfilled")
            return answer["data"], 1, end
    if whole and isinstance(value, dict | list | _TruncatedList):
        return cast("Any", value), 0, end
    return _raw_text(log, start), 0, len(log)


def _raw_text(log: str, start: int) -> str:
    """A text as runtimes before 2020 print it, without quotes, unless it could be another value."""
    following = _MESSAGE.search(log, start)
    if following is not None:
        raise ResultNotLogged(f"the return line is a bare text, and what follows may belong to it: {_ADVICE}")
    text = log[start:-1]
    if text != text.strip() or "�" in text:
        raise ResultNotLogged(f"the return line is a bare text whose ends cannot be told: {_ADVICE}")
    if _may_be_other_value(text):
        raise ResultNotLogged(f"the return line is a bare text that may be a text or another value: {_ADVICE}")
    return text


def _may_be_other_value(text: str) -> bool:
    if text[:1] in ("{", "[", "'", '"', "`") or _WORD.fullmatch(text) or _NOT_JSON.match(text):
        return True
    try:
        float(text)
    except ValueError:
        return re.fullmatch(r"[+-]?0[xXoObB][\dA-Fa-f_]+", text) is not None
    return True


def _explicit_results(log: str) -> list[Any]:
    """The value of the function's `mincloud.result` lines, if it has logged any; they must not differ."""
    results: list[Any] = []
    for _, text in _messages(log):
        label = _RESULT_LINE.match(text)
        if label is None:
            continue
        try:
            results.append(json.loads(text[label.end() :], parse_constant=_refuse_constant))
        except (ValueError, RecursionError):
            raise ResultNotLogged(
                "the log's `mincloud.result` line is no JSON: log JSON.stringify of the result"
            ) from None
    if any(not _equal_as_json(result, results[0]) for result in results[1:]):
        raise ResultNotLogged("the log has several `mincloud.result` lines that differ: log one")
    return results[:1]


def _agrees(shown: Any, result: Any, depth: int) -> bool:
    """Whether a return line shows nothing, or the same as a log shows of a result."""
    if shown is None or isinstance(shown, _Undefined):
        return True
    try:
        return _canonical(shown, depth, _DEPTH) == _canonical(result, depth, _DEPTH)
    except _Unparsable:  # what older Nodes print in full
        return _canonical(shown, 0, math.inf) == _canonical(result, 0, math.inf)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _equal_as_json(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _as_json(value: Any) -> Any:
    """A parsed value as JSON, as a call that is waited for returns it; raises `ResultNotLogged` if a part of it is truncated."""
    if isinstance(value, _Truncated | _TruncatedList):
        raise ResultNotLogged(f"the log shows only a part of what was returned: {_ADVICE}")
    if isinstance(value, _Undefined):
        return None
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        return {_certain(key): _as_json(part) for key, part in fields.items() if not isinstance(part, _Undefined)}
    if isinstance(value, list):
        return [_as_json(part) for part in cast("Any", value)]
    if isinstance(value, str):
        return _certain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None  # as JSON.stringify has it
    return value


def _certain(text: str) -> str:
    # Older Nodes print half of a surrogate pair as this character.
    if "�" in text:
        raise ResultNotLogged(f"the log shows a character that may stand for another: {_ADVICE}")
    return text


def _canonical(value: Any, depth: int, deepest: float) -> LoggedForm:
    """A value as a log shows it: numbers are doubles, and what is nested deeper than `deepest` or too long is truncated."""
    if value is None or isinstance(value, bool | _Truncated | _Undefined):
        return (
            value
            if isinstance(value, _Truncated)
            else (type(value).__name__, value if isinstance(value, bool) else None)
        )
    if isinstance(value, str):
        if deepest == _DEPTH and _utf16_length(value) > _LONGEST_TEXT:
            raise _Unparsable
        return ("text", _without_lone_surrogates(value))
    if isinstance(value, int | float):
        return ("number", _double(value))
    if isinstance(value, _TruncatedList):
        if depth > deepest:
            raise _Unparsable
        return ("list", tuple(_canonical(part, depth + 1, deepest) for part in value.items), value.more)
    if isinstance(value, list | tuple):
        items = cast("list[Any]", value)
        if items and depth > deepest:
            return _Truncated("Array")
        shown = tuple(_canonical(part, depth + 1, deepest) for part in items[:_MOST_ITEMS])
        return ("list", shown, max(0, len(items) - _MOST_ITEMS))
    fields = cast("Mapping[str, Any]", value)
    if deepest == _DEPTH and "__proto__" in fields:
        raise _Unparsable
    if fields and depth > deepest:
        return _Truncated("Object")
    return (
        "object",
        frozenset(
            (_without_lone_surrogates(key), _canonical(part, depth + 1, deepest)) for key, part in fields.items()
        ),
    )


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _without_lone_surrogates(text: str) -> str:
    # Older Nodes print half of a surrogate pair as this character.
    return _SURROGATES.sub("�", _PAIR.sub(_combine_surrogates, text))


def _double(number: float) -> float | str:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


class _Parser:
    """Parses values in a text as `util.inspect` of Node 12 and newer prints them. White space outside of quotes means nothing."""

    def __init__(self, text: str) -> None:
        self._text = text

    def value(self, start: int, depth: int) -> tuple[Any, int]:
        """Parses the value that starts at a place; returns the place after it, too."""
        text = self._text
        first = text[start : start + 1]
        if first == "{":
            return self._object(start + 1, depth)
        if first == "[":
            return self._list_or_marker(start, depth)
        if first in ("'", '"', "`") and first:
            return self._texts(start)
        if word := _WORD.match(text, start):
            return _WORDS.get(word[0], _UNDEFINED), word.end()
        if number := _NUMBER.match(text, start):
            return _number(number[0]), number.end()
        raise _Unparsable

    def _skip(self, start: int) -> int:
        found = _SPACE.match(self._text, start)
        return found.end() if found else start

    def _object(self, start: int, depth: int) -> tuple[dict[str, Any], int]:
        fields: dict[str, Any] = {}
        at = self._skip(start)
        while self._text[at : at + 1] != "}":
            if fields:
                at = self._after(at, ",")
            key, at = self._key(at)
            if key == "__proto__" or key in fields:
                raise _Unparsable
            at = self._after(at, ":")
            fields[key], at = self.value(at, depth + 1)
            at = self._skip(at)
        if fields and depth > _DEPTH:
            raise _Unparsable
        return fields, at + 1

    def _key(self, start: int) -> tuple[str, int]:
        if self._text[start : start + 1] in ("'", '"', "`") and start < len(self._text):
            return self._quoted(start)
        found = _KEY.match(self._text, start)
        if found is None:
            raise _Unparsable
        return found[0], found.end()

    def _list_or_marker(self, start: int, depth: int) -> tuple[Any, int]:
        for kind in ("Object", "Array"):
            if self._text.startswith(f"[{kind}]", start) and depth > _DEPTH:
                return _Truncated(kind), start + len(kind) + 2
        items: list[Any] = []
        at = self._skip(start + 1)
        more = 0
        while self._text[at : at + 1] != "]":
            if items:
                at = self._after(at, ",")
            if cut := _MORE.match(self._text, at):
                if len(items) != _MOST_ITEMS:
                    raise _Unparsable
                more, at = int(cut[1]), self._skip(cut.end())
                if self._text[at : at + 1] != "]":
                    raise _Unparsable
                break
            item, at = self.value(at, depth + 1)
            items.append(item)
            at = self._skip(at)
        if items and (depth > _DEPTH or len(items) > _MOST_ITEMS):
            raise _Unparsable
        return (_TruncatedList(items, more) if more else items), at + 1

    def _after(self, start: int, mark: str) -> int:
        if self._text[start : start + 1] != mark:
            raise _Unparsable
        return self._skip(start + 1)

    def _texts(self, start: int) -> tuple[str, int]:
        """A text, which stands in several pieces where it has line breaks."""
        piece, at = self._quoted(start)
        pieces = [piece]
        while joined := _CONTINUED.match(self._text, at):
            piece, at = self._quoted(joined.end())
            pieces.append(piece)
        if _TRUNCATED_TEXT.match(self._text, at):
            raise _Unparsable
        return "".join(pieces), at

    def _quoted(self, start: int) -> tuple[str, int]:
        text = self._text
        quote = text[start]
        at = start + 1
        while (mark := text[at : at + 1]) != quote:
            if not mark or mark == "\n":
                raise _Unparsable
            at += 2 if mark == "\\" else 1
        inner = text[start + 1 : at]
        if "\\" in inner:
            inner = _ESCAPE.sub(_unescape, inner)
            # A pair that was escaped in halves is one character.
            inner = _PAIR.sub(_combine_surrogates, inner)
        return inner, at + 1


def _combine_surrogates(pair: re.Match[str]) -> str:
    return pair[0].encode("utf-16-le", "surrogatepass").decode("utf-16-le")


def _unescape(found: re.Match[str]) -> str:
    digits = found[1] or found[2] or found[3]
    if digits:
        return chr(int(digits, 16))
    return _ESCAPED.get(found[4], found[4])


def _number(digits: str) -> float:
    if digits in ("Infinity", "-Infinity", "NaN"):
        return float(digits.replace("Infinity", "inf"))
    if re.fullmatch(r"-?\d+", digits):
        return int(digits)
    return float(digits)
