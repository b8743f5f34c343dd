"""Stories as they stand in their files."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import yaml
from jsonschema import Draft202012Validator

from scripts import ROOT, ScriptError
from scripts.contract.document import one_line

from .contract import deepest
from .values import ABSENT, Absent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

STORIES = ROOT / "openapi" / "stories"
SCHEMA = STORIES / "story.schema.yaml"

# The one in C reads five times as fast, where PyYAML was built with it.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRING = "tag:yaml.org,2002:str"


@dataclass(frozen=True)
class Retry:
    """How often to ask, and how long to wait before asking again, in seconds."""

    times: int
    seconds: float


@dataclass(frozen=True)
class Fault:
    """What the emulator answers instead of serving the request."""

    status: int
    body: Any


@dataclass(frozen=True)
class Expectation:
    """What a body is expected to be besides, and what in the contract that rests on.

    Attributes:
        rests_on: the contract's statements, as `Standings.find` takes them.
        expected: the body.
    """

    rests_on: tuple[str, ...]
    expected: Any


@dataclass(frozen=True)
class Step:
    """A request and the answer that is expected.

    Attributes:
        title: what is done.
        operation: the operationId, empty where addresses are fetched.
        fetch: the addresses to read without a token instead; the body is then the list of their texts.
        parameters: the parameters by name, with variables not yet replaced, as in everything below.
        body: the request's body, `ABSENT` without one.
        access_token: the token, None for none, `ABSENT` for the usual one.
        breaks_contract: whether the contract does not allow the request.
        fault: what the emulator is told to answer.
        retry: whether and how often to ask again.
        statuses: the statuses of which any will do.
        redirects: the statuses of the redirects on the way to the answer, empty if it is not told.
        expected: the expected body, `ABSENT` if any will do.
        rests_on: the statements of the contract that the expectation rests on, where it is not documented.
        also: further expectations, each of which rests on something else.
        capture: where in the answer the new variables are.
    """

    title: str
    operation: str
    parameters: Mapping[str, Any]
    body: object
    statuses: tuple[int, ...]
    access_token: str | Absent | None = ABSENT
    breaks_contract: bool = False
    fault: Fault | None = None
    retry: Retry | None = None
    redirects: tuple[int, ...] = ()
    expected: Any = ABSENT
    rests_on: tuple[str, ...] = ()
    also: tuple[Expectation, ...] = ()
    fetch: tuple[str, ...] = ()
    capture: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Story:
    """A story.

    Attributes:
        name: the name of its file, without the ending.
        path: its file, as messages name it.
        title: what it shows.
        since: the first version of the contract that it holds for.
        before: the first version that it no longer holds for.
        languages: whether every language's client has to pass it.
        emulator: why it runs against an emulator alone, None if it does not.
        unique: the label of each variable that is a unique name.
        values: the variables whose value stands in the file.
        steps: the requests.
        cleanup: the requests at the end.
    """

    name: str
    path: str
    title: str
    since: str
    before: str | None
    languages: bool
    emulator: str | None
    unique: Mapping[str, str] = field(default_factory=dict[str, str])
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    steps: tuple[Step, ...] = ()
    cleanup: tuple[Step, ...] = ()

    def holds_for(self, version: str) -> bool:
        """Whether it holds for this version of the contract."""
        numbers = _numbers(version)
        return _numbers(self.since) <= numbers and (self.before is None or numbers < _numbers(self.before))


def read_stories(folder: Path = STORIES) -> list[Story]:
    """Every story of a folder, by name; each `*.yaml` but the schema is one.

    Raises:
        ScriptError: There is none, or one cannot be read or is not as the schema has it; a line for each problem.
    """
    found = (path for path in folder.glob("*.yaml") if not path.name.endswith(".schema.yaml"))
    paths = sorted(found, key=lambda path: path.stem)
    if not paths:
        raise ScriptError(f"there is no story in {folder.name}: name a folder with *.yaml files")
    stories: list[Story] = []
    wrong: list[str] = []
    for path in paths:
        name = path.resolve().relative_to(ROOT).as_posix() if path.resolve().is_relative_to(ROOT) else path.name
        try:
            stories.append(_read_story(path, name))
        except ScriptError as error:
            wrong += [f"{name}: {line}" for line in str(error).splitlines()]
    if wrong:
        raise ScriptError("\n".join(wrong))
    return stories


def _read_story(path: Path, name: str) -> Story:
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=_LOADER)
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"cannot be read: {one_line(str(error))}") from error
    except yaml.YAMLError as error:
        raise ScriptError(f"mend the YAML: {one_line(str(error))}") from error
    if slips := [f"line {line}: {slip}" for line, slip in _slips(node)]:
        raise ScriptError("\n".join(slips))
    data: Any = yaml.load(text, Loader=_LOADER)  # noqa: S506 - a safe one
    found = (deepest(error) for error in _validator().iter_errors(data))
    if wrong := [f"{' > '.join(keys) or 'the story'}: {reason}" for keys, reason in found]:
        raise ScriptError("\n".join(wrong))
    return _story(path.stem, name, data)


@cache
def _validator() -> Any:
    schema = yaml.load(SCHEMA.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
    return Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _slips(node: yaml.Node | None) -> Iterator[tuple[int, str]]:
    """What YAML takes without a word and other readers may take otherwise: the line and what to do, for each."""
    if isinstance(node, yaml.SequenceNode):
        for item in cast("list[yaml.Node]", node.value):
            yield from _slips(item)
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in cast("list[tuple[yaml.Node, yaml.Node]]", node.value):
            name = str(key.value)
            if name in seen:
                yield key.start_mark.line + 1, f"the key {name} is there a second time; take one away"
            seen.add(name)
            if key.tag != _STRING:
                yield key.start_mark.line + 1, f"put quotes around the key {name}"
            yield from _slips(value)
    elif isinstance(node, yaml.ScalarNode) and not node.style:
        # Plain text is a number, true, false or null just where JSON would have it so: YAML 1.1 and 1.2 agree on that.
        text = str(node.value)
        if _is_json(text) != (node.tag != _STRING):
            yield node.start_mark.line + 1, f"put quotes around {text or 'the missing value'}, or write it as in JSON"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _story(name: str, path: str, data: dict[str, Any]) -> Story:
    variables: dict[str, dict[str, Any]] = data.get("variables", {})
    return Story(
        name=name,
        path=path,
        title=data["story"],
        since=data["contract"]["from"],
        before=data["contract"].get("before"),
        languages="languages" in data,
        emulator=data.get("emulator"),
        unique={variable: given["unique"] for variable, given in variables.items() if "unique" in given},
        values={variable: given["value"] for variable, given in variables.items() if "value" in given},
        steps=tuple(_step(step) for step in data["steps"]),
        cleanup=tuple(_step(step) for step in data.get("cleanup", [])),
    )


def _step(data: dict[str, Any]) -> Step:
    expect: dict[str, Any] = data["expect"]
    status: int | list[int] = expect["status"]
    return Step(
        title=data["step"],
        operation=data.get("operation", ""),
        fetch=tuple(data.get("fetch", ())),
        parameters=data.get("parameters", {}),
        body=data.get("body", ABSENT),
        access_token=data.get("access_token", ABSENT),
        breaks_contract="breaks_contract" in data,
        fault=Fault(**data["fault"]) if "fault" in data else None,
        retry=Retry(**data["retry"]) if "retry" in data else None,
        statuses=(status,) if isinstance(status, int) else tuple(status),
        redirects=tuple(expect.get("redirects", ())),
        expected=expect.get("body", ABSENT),
        rests_on=tuple(data.get("rests_on", ())),
        also=tuple(Expectation(tuple(each["rests_on"]), each["body"]) for each in data.get("also", [])),
        capture=data.get("capture", {}),
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.partition("-")[0].partition("+")[0].split("."))
