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
    "a function is gone": (OLD.splitlines()[-1], "", "load", "Public object was removed"),
    "a class is gone": ("class Missing(Error):\n    ...\n", "", "Missing", "Public object was removed"),
    "a method is gone": (CALL, "...", "Client.call", "Public object was removed"),
    "an attribute is gone": ("    retries: int\n", "", "Client.retries", "Public object was removed"),
    "a property is gone": ("    @property\n    def jobs(self) -> Jobs: ...\n", "", "Client.jobs", "Public object was removed"),
    "a value is gone": ("    BLUE = 'blue'\n", "", "Color.BLUE", "Public object was removed"),
    "a value is another": ("'blue'", "'navy'", "Color.BLUE", "Attribute value was changed: `'blue'` -> `'navy'`"),
    "a property is called": (
        "    @property\n    def jobs",
        "    def jobs",
        "Client.jobs",
        "Public object points to a different kind of object: `attribute` -> `function`",
    ),
    "an error is of another kind": (
        "class Missing(Error)",
        "class Missing(Exception)",
        "Missing",
        "Base class was removed: `Error`",
    ),
    "an error is of one kind less": (
        "class Timeout(Error, TimeoutError)",
        "class Timeout(Error)",
        "Timeout",
        "Base class was removed: `TimeoutError`",
    ),
    "a parameter has another name": ("path: str, *, size", "file: str, *, size", "load(path)", "Parameter was removed"),
    "a keyword is gone": (", *, token: str | None = None", "", "Client.__init__(token)", "Parameter was removed"),
    "a new parameter is required": (
        "path: str, *, size: int = 20",
        "path: str, *, mode: str, size: int = 20",
        "load(mode)",
        "Parameter was added as required",
    ),
    "a parameter is required now": ("size: int = 20", "size: int", "load(size)", "Parameter is now required"),
    "a default is another": ("size: int = 20", "size: int = 50", "load(size)", "Parameter default was changed: `20` -> `50`"),
    "a parameter is given by name only": (
        "name: str, data: Mapping[str, Any] | None = None, *,",
        "name: str, *, data: Mapping[str, Any] | None = None,",
        "Client.call(data)",
        "Parameter kind was changed: `positional or keyword` -> `keyword-only`",
    ),
    "parameters have changed places": (
        "name: str, data: Mapping[str, Any] | None = None",
        "data: Mapping[str, Any] | None, name: str",
        "Client.call(name)",
        "Positional parameter was moved",
    ),
    "a parameter takes less": (
        "data: Mapping[str, Any] | None",
        "data: Mapping[str, Any]",
        "Client.call(data)",
        "Parameter type was changed: `Mapping[str, Any] | None` -> `Mapping[str, Any]`",
    ),
    "a method returns more": (
        "-> Job | None",
        "-> Job | str | None",
        "Client.call",
        "Return type was changed: `Job | None` -> `Job | str | None`",
    ),
    "a method returns something else": (
        "-> dict[str, Any]",
        "-> list[str]",
        "load",
        "Return type was changed: `dict[str, Any]` -> `list[str]`",
    ),
    "an attribute is something else": ("retries: int", "retries: str", "Client.retries", "Attribute type was changed: `int` -> `str`"),
    "a property is something else": ("-> Jobs:", "-> Jobs | None:", "Client.jobs", "Attribute type was changed: `Jobs` -> `Jobs | None`"),
    "a method is awaited": ("def call(", "async def call(", "Client.call", "Function is now `async`"),
    "a class method is none": ("    @classmethod\n", "", "Client.open", "Function is no longer `classmethod`"),
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
    "a new keyword": ("size: int = 20", "size: int = 20, mode: str = 'r'", "load(mode)", "is new"),
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
    assert (found.place, found.what) == (("package", "Wrong", "__init__(value)"), "Parameter was removed")


def test_what_is_written_instead_of_inherited_is_compared() -> None:
    new = BASE.replace("class Late(Error):\n    ...", "class Late(Error):\n    def __init__(self) -> None: ...")

    [found] = changes("package", BASE, new)
    assert (found.place, found.what) == (("package", "Late", "__init__(message)"), "Parameter was removed")


@pytest.mark.parametrize(
    ("old", "new", "place", "what"),
    [
        ("    code: int\n", "", "code", "Public object was removed"),
        ("code: int", "code: str", "code", "Attribute type was changed: `int` -> `str`"),
        ("    code: int\n", "    code: int\n    day: int\n", "day", "is new"),
    ],
)
def test_a_change_of_a_base_is_said_once(old: str, new: str, place: str, what: str) -> None:
    [found] = changes("package", BASE, BASE.replace(old, new))

    assert (found.place, found.what) == (("package", "Error", place), what)


def test_a_class_that_loses_its_base_loses_what_it_inherited() -> None:
    found = changes("package", BASE, BASE.replace("class Late(Error)", "class Late(Exception)"))

    assert [(each.place[1:], each.what) for each in found] == [
        (("Late",), "Base class was removed: `Error`"),
        (("Late", "__init__"), "Public object was removed"),
        (("Late", "code"), "Public object was removed"),
    ]
