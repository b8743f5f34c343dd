"""Reads stories from their files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from jsonschema import Draft202012Validator

from scripts import ROOT, ScriptError
from scripts.contract.document import NotReadableError, StrictLoader, one_line

from .contract import Contract, explain_error
from .values import ABSENT, Absent, Json, substitute, variables_in

STORIES = ROOT / "openapi" / "stories"
SCHEMA = STORIES / "story.schema.yaml"

# The variables that every story is given, as far as the server's credentials are known.
GIVEN = frozenset({"access_token", "client_id", "client_secret"})
_USUAL = "${access_token}"

Fields: TypeAlias = "Mapping[str, Any]"


@dataclass(frozen=True, kw_only=True)
class Step:
    """A request and the answer that is expected.

    The attributes are the keys of the file, which `openapi/stories/README.md` explains; `body` and `access_token` are
    `ABSENT` where the file has none, since null is a value there.
    """

    step: str = ""
    expect: Fields = field(default_factory=dict[str, Any])
    operation: str = ""
    fetch: Sequence[str] = ()
    parameters: Fields = field(default_factory=dict[str, Any])
    body: Json | Absent = ABSENT
    access_token: str | Absent | None = ABSENT
    breaks_contract: bool = False
    fault: Fields | None = None
    retry: Fields | None = None
    rests_on: Sequence[str] = ()
    also: Sequence[Fields] = ()
    capture: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def statuses(self) -> list[int]:
        """The statuses of which any is as expected."""
        status = self.expect["status"]
        return [status] if isinstance(status, int) else status

    @property
    def all_statuses(self) -> list[int]:
        """The statuses on the way to the answer, and those of the answer."""
        return [*self.expect.get("redirects", ()), *self.statuses]

    @property
    def variables(self) -> list[str]:
        """The names of the variables in it, in order."""
        return variables_in(vars(self))

    @property
    def functions(self) -> list[str]:
        """The names of the functions that it calls or makes."""
        body = self.body if isinstance(self.body, dict) else {}
        names = [self.parameters.get("function_name"), body.get("function_name"), body.get("name")]
        return [name for name in names if isinstance(name, str) and name]

    def filled(self, variables: Mapping[str, object]) -> Step:
        """The step with its variables replaced."""
        return Step(**substitute(vars(self), variables))


@dataclass(frozen=True, kw_only=True)
class Story:
    """A story: the keys of its file, the file's name without its ending, and its path as messages name it."""

    name: str
    path: str
    story: str
    contract: Mapping[str, str]
    languages: bool = False
    emulator: str | None = None
    variables: Mapping[str, Fields] = field(default_factory=dict[str, "Fields"])
    steps: Sequence[Step]
    cleanup: Sequence[Step] = ()

    @property
    def unique(self) -> dict[str, str]:
        """The label of each variable that is a unique name."""
        return {name: given["unique"] for name, given in self.variables.items() if "unique" in given}

    @property
    def values(self) -> dict[str, Any]:
        """The variables whose value stands in the file."""
        return {name: given["value"] for name, given in self.variables.items() if "value" in given}

    def holds_for(self, version: str) -> bool:
        """Whether it holds for this version of the contract."""
        numbers, before = _numbers(version), self.contract.get("before")
        return _numbers(self.contract["from"]) <= numbers and (before is None or numbers < _numbers(before))


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.partition("-")[0].partition("+")[0].split(".")]


def with_tokens(story: Story, contract: Contract) -> Story:
    """The story, with the usual token where an operation needs one and its step does not say which."""
    secured = {name for name, operation in contract.operations.items() if operation.secured}

    def completed(step: Step) -> Step:
        usual = step.access_token is ABSENT and step.operation in secured
        return replace(step, access_token=_USUAL) if usual else step

    return replace(story, steps=[*map(completed, story.steps)], cleanup=[*map(completed, story.cleanup)])


def read_stories(folder: Path = STORIES) -> list[Story]:
    """Reads the stories of a folder, in the order of their names; each `*.yaml` but the schema is one.

    Raises:
        ScriptError: There is none, or one cannot be read or does not fit the schema; a line for each problem.
    """
    paths = [path for path in folder.glob("*.yaml") if not path.name.endswith(".schema.yaml")]
    if not paths:
        raise ScriptError(f"there is no story in {folder.name}: name a folder with *.yaml files")
    stories: list[Story] = []
    problems: list[str] = []
    for path in sorted(paths, key=lambda path: path.stem):
        try:
            data = read_checked(path, SCHEMA)
        except ScriptError as error:
            problems.append(str(error))
        else:
            steps = {key: [Step(**step) for step in data.get(key, ())] for key in ("steps", "cleanup")}
            stories.append(Story(name=path.stem, path=display_path(path), **data | steps))
    if problems:
        raise ScriptError("\n".join(problems))
    return stories


def read_checked(path: Path, schema: Path) -> Any:
    """Reads a YAML file that fits a JSON Schema.

    Raises:
        ScriptError: It cannot be read or does not fit; a line for each problem.
    """
    name = display_path(path)
    try:
        data = yaml.load(path.read_text("utf-8"), Loader=_PlainLoader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        raise ScriptError(f"{name}: cannot be read: {one_line(str(error))}") from error
    except yaml.YAMLError as error:
        raise ScriptError(f"{name}: mend the YAML: {one_line(str(error))}") from error
    misfits = (explain_error(error) for error in _validator(schema).iter_errors(data))
    if problems := [f"{name}: {' > '.join(keys) or 'the file'}: {reason}" for keys, reason in misfits]:
        raise ScriptError("\n".join(problems))
    return data


def display_path(path: Path) -> str:
    """A path as messages name it."""
    return path.resolve().relative_to(ROOT).as_posix() if path.resolve().is_relative_to(ROOT) else path.name


@cache
def _validator(schema: Path) -> Any:
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(yaml.safe_load(schema.read_text("utf-8")), format_checker=checker)


class _PlainLoader(StrictLoader):
    """YAML that reads the same in version 1.1 and 1.2.

    Plain text is a number, true, false or null just where JSON would have it so: the versions agree on that.
    """

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        node = super().compose_scalar_node(anchor)
        if not node.style and _is_json(node.value) != (node.tag != "tag:yaml.org,2002:str"):
            text = node.value or "the missing value"
            raise NotReadableError(
                f"put quotes around {text} in line {node.start_mark.line + 1}, or write it as in JSON"
            )
        return node


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
