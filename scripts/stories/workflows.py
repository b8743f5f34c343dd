"""Derives the main workflows from the stories, as an Arazzo description and as a Postman collection.

`python -m scripts.stories.workflows` writes both into `openapi/`; `--check` only says whether they are up to date. The templates in
`templates/` have their form.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader

from scripts import ROOT
from scripts.codegen.derived import run
from scripts.contract.document import read_valid

from .contract import Contract
from .story import GIVEN, Step, Story, read_stories, with_tokens
from .values import Json

ARAZZO = ROOT / "openapi" / "mincloud.arazzo.yaml"
COLLECTION = ROOT / "openapi" / "mincloud.postman.json"
# The stories that are workflows of every client, by the workflow's id.
WORKFLOWS = {
    "log-in": "token",
    "deploy-and-call": "waiting-call",
    "call-and-wait-for-the-job": "not-waiting-call",
    "read-all-jobs": "job-pages",
}
_MORE_OF_THE_COLLECTION = {
    "manage-functions": "function-life",
    "try-a-function": "tried-function",
    "call-the-older-way": "older-call",
}
_PATTERNS = {"integer": r"^-?\d+$", "number": r"^-?[\d.eE+-]+$", "string": "^", "boolean": "^(true|false)$"}


def arazzo() -> str:
    """The Arazzo description, as YAML."""
    description = _rendered("arazzo.yaml.jinja", WORKFLOWS, _arazzo_steps)
    return yaml.safe_dump(description, allow_unicode=True, sort_keys=False, width=140)


def collection() -> str:
    """The Postman collection, as JSON."""
    names = WORKFLOWS | _MORE_OF_THE_COLLECTION
    described = _rendered("postman.yaml.jinja", names, _postman_steps, every_operation=True)
    return json.dumps(described, ensure_ascii=False, indent=2) + "\n"


def _rendered(
    template: str, names: Mapping[str, str], steps: Callable[[Story], Iterator[Step]], *, every_operation: bool = False
) -> Any:
    """What a template gives for the stories of these names, by the workflow's id, or for more, to have every operation."""
    # What comes out is no HTML, and is read again.
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), trim_blocks=True)  # noqa: S701
    environment.lstrip_blocks = True
    environment.filters["json"] = partial(json.dumps, ensure_ascii=False)
    document = read_valid()
    contract = Contract(document)
    stories = {story.name: with_tokens(story, contract) for story in read_stories()}
    workflows = {workflow: stories[name] for workflow, name in names.items()}
    for operation in contract.operations if every_operation else ():
        if not any(_meets(story, operation) for story in workflows.values()):
            workflows |= [(story.name, story) for story in stories.values() if _meets(story, operation)][:1]
    text = environment.get_template(template).render(
        document=document,
        contract=contract,
        workflows=[(workflow, story, list(steps(story))) for workflow, story in workflows.items()],
        expectations=_expectations,
    )
    return yaml.safe_load(text)


def _meets(story: Story, operation: str) -> bool:
    return any(step.operation == operation for step in story.steps)


def _arazzo_steps(story: Story) -> Iterator[Step]:
    """The steps, with Arazzo's expressions in place of variables."""
    places = {variable: f"$inputs.{variable}" for variable in (*GIVEN, *story.variables)}
    for number, step in enumerate((*story.steps, *story.cleanup), 1):
        yield step.filled(places)
        places |= {variable: f"$steps.step-{number}.outputs.{variable}" for variable in step.capture}


def _postman_steps(story: Story) -> Iterator[Step]:
    """The steps, with Postman's variables."""
    for step in (*story.steps, *story.cleanup):
        yield step.filled({name: f"{{{{{name}}}}}" for name in step.variables})


def _expectations(expected: Json, pointer: str = "") -> Iterator[tuple[str, Json, str | None]]:
    """The parts of an expected body, each with its JSON pointer, its value, and the regular expression that it fits instead."""
    match expected:
        case {"$type": kind}:
            yield pointer, None, _PATTERNS[str(kind[0] if isinstance(kind, list) else kind)]
        case {"$pattern": pattern}:
            yield pointer, None, str(pattern)
        case {"$contains": _} | {"$absent": _}:
            pass  # neither tool has such a check
        case dict():
            for name, field in expected.items():
                yield from _expectations(field, f"{pointer}/{name}")
        case list():
            for index, item in enumerate(expected):
                yield from _expectations(item, f"{pointer}/{index}")
        case _:
            yield pointer, expected, None


if __name__ == "__main__":
    source = "openapi/stories"
    status = run(ARAZZO, source, lambda file: file.write_text(arazzo(), "utf-8"))
    sys.exit(run(COLLECTION, source, lambda file: file.write_text(collection(), "utf-8")) or status)
