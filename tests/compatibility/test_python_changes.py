"""Which changes of the Python packages' public names break their users: each kind made once, in a small stub."""

from __future__ import annotations

import pytest

from scripts.compatibility.python_changes import changes

OLD = """\
class Error(Exception):
    def __init__(self, message: str) -> None: ...
    message: str

class Missing(Error):
    ...

class Timeout(Error, TimeoutError):
    ...

class Color(StrEnum):
    RED = 'red'
    BLUE = 'blue'

class Client:
    def __init__(self, *, token: str | None = None) -> None: ...
    def call(self, name: str, data: Mapping[str, Any] | None = None, *, timeout: float | None = None) -> Job | None: ...
    @classmethod
    def open(cls, path: str) -> Self: ...
    @property
    def jobs(self) -> Jobs: ...
    retries: int

def load(path: str, *, size: int = 20) -> dict[str, Any]: ...
"""

CALL = "def call(self, name: str, data: Mapping[str, Any] | None = None, *, timeout: float | None = None) -> Job | None: ..."

BREAKING = {
    "a function is gone": (OLD.splitlines()[-1], "", "load", "is gone"),
    "a class is gone": ("class Missing(Error):\n    ...\n", "", "Missing", "is gone"),
    "a method is gone": (CALL, "...", "Client.call", "is gone"),
    "an attribute is gone": ("    retries: int\n", "", "Client.retries", "is gone"),
    "a property is gone": ("    @property\n    def jobs(self) -> Jobs: ...\n", "", "Client.jobs", "is gone"),
    "a value is gone": ("    BLUE = 'blue'\n", "", "Color.BLUE", "is gone"),
    "a value is another": ("'blue'", "'navy'", "Color.BLUE", "is `'navy'` now instead of `'blue'`"),
    "a property is called": (
        "    @property\n    def jobs",
        "    def jobs",
        "Client.jobs",
        "is of the kind function now instead of attribute",
    ),
    "an error is of another kind": (
        "class Missing(Error)",
        "class Missing(Exception)",
        "Missing",
        "is no longer a `Error`",
    ),
    "an error is of one kind less": (
        "class Timeout(Error, TimeoutError)",
        "class Timeout(Error)",
        "Timeout",
        "is no longer a `TimeoutError`",
    ),
    "a parameter has another name": ("path: str, *, size", "file: str, *, size", "load", "the parameter `path` is gone"),
    "a keyword is gone": (", *, token: str | None = None", "", "Client.__init__", "the parameter `token` is gone"),
    "a new parameter is required": (
        "path: str, *, size: int = 20",
        "path: str, *, mode: str, size: int = 20",
        "load",
        "the new parameter `mode` is required",
    ),
    "a parameter is required now": ("size: int = 20", "size: int", "load", "the parameter `size` is required now"),
    "a default is another": ("size: int = 20", "size: int = 50", "load", "the default of `size` is `50` now instead of `20`"),
    "a parameter is given by name only": (
        "name: str, data: Mapping[str, Any] | None = None, *,",
        "name: str, *, data: Mapping[str, Any] | None = None,",
        "Client.call",
        "the parameter `data` is keyword-only now instead of positional or keyword",
    ),
    "parameters have changed places": (
        "name: str, data: Mapping[str, Any] | None = None",
        "data: Mapping[str, Any] | None, name: str",
        "Client.call",
        "the parameter `name` has another place",
    ),
    "a parameter takes less": (
        "data: Mapping[str, Any] | None",
        "data: Mapping[str, Any]",
        "Client.call",
        "the parameter `data` takes `Mapping[str, Any]` now instead of `Mapping[str, Any] | None`",
    ),
    "a method returns more": (
        "-> Job | None",
        "-> Job | str | None",
        "Client.call",
        "returns `Job | str | None` now instead of `Job | None`",
    ),
    "a method returns something else": (
        "-> dict[str, Any]",
        "-> list[str]",
        "load",
        "returns `list[str]` now instead of `dict[str, Any]`",
    ),
    "an attribute is something else": ("retries: int", "retries: str", "Client.retries", "is of the type `str` now instead of `int`"),
    "a property is something else": ("-> Jobs:", "-> Jobs | None:", "Client.jobs", "is of the type `Jobs | None` now instead of `Jobs`"),
    "a method is awaited": ("def call(", "async def call(", "Client.call", "is awaited"),
    "a class method is none": ("    @classmethod\n", "", "Client.open", "is no longer a class method"),
}  # fmt: skip

COMPATIBLE = {
    "a new function": ("class Client:", "def save() -> None: ...\n\nclass Client:", "save", "is new"),
    "a new class": ("class Client:", "class Late(Error):\n    ...\n\nclass Client:", "Late", "is new"),
    "a new method": (
        "    retries: int",
        "    def close(self) -> None: ...\n    retries: int",
        "Client.close",
        "is new",
    ),
    "a new attribute": ("    retries: int", "    retries: int\n    name: str", "Client.name", "is new"),
    "a new value": ("    BLUE = 'blue'", "    BLUE = 'blue'\n    GREEN = 'green'", "Color.GREEN", "is new"),
    "a new keyword": ("size: int = 20", "size: int = 20, mode: str = 'r'", "load", "the parameter `mode` is new"),
}

QUIET = {
    "a parameter takes more": ("path: str, *, size", "path: str | Path, *, size"),
    "a parameter takes anything": ("path: str, *, size", "path: Any, *, size"),
    "a method returns less": ("-> Job | None", "-> Job"),
    "the members of a union stand in another order": ("-> Job | None", "-> None | Job"),
    "a method that returned nothing returns something": (
        "token: str | None = None) -> None",
        "token: str | None = None) -> int",
    ),
    "a method stands in a base that is new": (
        "class Missing(Error):",
        "class Absent(Error):\n    ...\n\nclass Missing(Absent):",
    ),
}


def changed(old: str, new: str) -> str:
    assert OLD.count(old) == 1
    return OLD.replace(old, new)


@pytest.mark.parametrize("name", BREAKING)
def test_it_breaks_users(name: str) -> None:
    old, new, place, what = BREAKING[name]
    breaking = [found for found in changes("package", OLD, changed(old, new)) if found.breaks]

    assert (("package", *place.split(".")), what) in [(found.place, found.what) for found in breaking]


@pytest.mark.parametrize("name", COMPATIBLE)
def test_it_breaks_nobody(name: str) -> None:
    old, new, place, what = COMPATIBLE[name]

    [found] = changes("package", OLD, changed(old, new))
    assert (found.place, found.what, found.breaks) == (("package", *place.split(".")), what, False)


@pytest.mark.parametrize("name", QUIET)
def test_it_makes_nothing_worse(name: str) -> None:
    assert [found for found in changes("package", OLD, changed(*QUIET[name])) if found.breaks] == []


def test_what_stays_is_no_change() -> None:
    assert changes("package", OLD, OLD) == []


def test_what_moves_to_a_base_is_still_there() -> None:
    old = "class A:\n    def f(self) -> int: ...\n"
    new = "class B:\n    def f(self) -> int: ...\n\nclass A(B):\n    ...\n"

    assert [found for found in changes("package", old, new) if found.breaks] == []


BASE = """\
class Error(Exception):
    def __init__(self, message: str) -> None: ...
    code: int

class Late(Error):
    ...

class Wrong(Error):
    def __init__(self, message: str, *, value: int) -> None: ...
"""


def test_what_is_inherited_instead_of_written_is_compared() -> None:
    new = BASE.replace("    def __init__(self, message: str, *, value: int) -> None: ...\n", "    ...\n")

    [found] = changes("package", BASE, new)
    assert (found.place, found.what) == (("package", "Wrong", "__init__"), "the parameter `value` is gone")


def test_what_is_written_instead_of_inherited_is_compared() -> None:
    new = BASE.replace("class Late(Error):\n    ...", "class Late(Error):\n    def __init__(self) -> None: ...")

    [found] = changes("package", BASE, new)
    assert (found.place, found.what) == (("package", "Late", "__init__"), "the parameter `message` is gone")


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ("    code: int\n", "", "code", "is gone"),
        ("code: int", "code: str", "code", "is of the type `str` now instead of `int`"),
        ("    code: int\n", "    code: int\n    day: int\n", "day", "is new"),
    ],
)
def test_a_change_of_a_base_is_said_once(old: str, new: str, place: str, what: str) -> None:
    [found] = changes("package", BASE, BASE.replace(old, new))

    assert (found.place, found.what) == (("package", "Error", place), what)


def test_a_class_that_loses_its_base_loses_what_it_inherited() -> None:
    found = changes("package", BASE, BASE.replace("class Late(Error)", "class Late(Exception)"))

    assert [(each.place[1:], each.what) for each in found] == [
        (("Late",), "is no longer a `Error`"),
        (("Late", "__init__"), "is gone"),
        (("Late", "code"), "is gone"),
    ]
