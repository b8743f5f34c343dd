"""Derives the main workflows from the stories, as an Arazzo description and as a Postman collection.

    python -m scripts.stories.workflows [--check]

writes `openapi/mincloud.arazzo.yaml` and `openapi/mincloud.postman.json`; `--check` only says whether they are up to date.
"""

from __future__ import annotations

import argparse
import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml
from jinja2 import Template

from scripts import ROOT
from scripts.contract.document import read_valid

from .contract import Contract
from .story import STORIES, Step, Story, read_stories
from .values import ABSENT, Json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .contract import Operation

Node: TypeAlias = "dict[str, Any]"

ARAZZO = ROOT / "openapi" / "mincloud.arazzo.yaml"
COLLECTION = ROOT / "openapi" / "mincloud.postman.json"
_TEXTS: Node = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
WORKFLOWS: Mapping[str, str] = _TEXTS["workflows"]
_SCRIPT = Template(
    Path(__file__).with_name("postman_script.js.jinja").read_text("utf-8"), trim_blocks=True, lstrip_blocks=True
)


def _workflows(names: Mapping[str, str], operations: Iterable[str] = ()) -> dict[str, Story]:
    """The stories of workflows by the workflow's id; an operation that none of them meets adds the first story that does."""
    stories = {story.name: story for story in read_stories(STORIES)}
    workflows = {workflow: stories[name] for workflow, name in names.items()}
    for operation in operations:
        if not any(_meets(story, operation) for story in workflows.values()):
            workflows |= [(story.name, story) for story in stories.values() if _meets(story, operation)][:1]
    return workflows


def _meets(story: Story, operation: str) -> bool:
    return any(step.operation == operation for step in story.steps)


def _expectations(expected: Json, pointer: str = "") -> Iterator[tuple[str, Json, str | None]]:
    """The parts of an expected body, each with its JSON pointer, its value, and the regular expression that it fits instead."""
    match expected:
        case {"$type": kind}:
            yield pointer, None, _TEXTS["patterns"][str(kind[0] if isinstance(kind, list) else kind)]
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


def arazzo() -> str:
    """The Arazzo description, as YAML."""
    contract = Contract(read_valid())
    description: Node = _TEXTS["arazzo"]
    description["info"]["version"] = contract.version
    description["workflows"] = [
        _arazzo_workflow(name, story, contract) for name, story in _workflows(WORKFLOWS).items()
    ]
    return yaml.safe_dump(description, allow_unicode=True, sort_keys=False, width=140)


def _arazzo_workflow(name: str, story: Story, contract: Contract) -> Node:
    places = {variable: f"$inputs.{variable}" for variable in (*_TEXTS["credentials"], *story.variables)}
    steps: list[Node] = []
    for number, step in enumerate((*story.steps, *story.cleanup), 1):
        steps.append(_arazzo_step(f"step-{number}", step.filled(places), contract.operations[step.operation]))
        places |= {variable: f"$steps.step-{number}.outputs.{variable}" for variable in step.capture}
    used = json.dumps(steps)
    given = {
        key: {"type": "string", "description": text}
        for key, text in _TEXTS["credentials"].items()
        if f"$inputs.{key}" in used
    }
    defaults = {key: f"mincloud-{name}-{key}".replace("_", "-") for key in story.unique} | story.values
    inputs = given | {key: {"type": "string", "default": defaults[key]} for key in story.variables}
    return {
        "workflowId": name,
        "summary": story.story,
        "inputs": {"type": "object", "properties": inputs},
        "steps": steps,
    }


def _arazzo_step(name: str, step: Step, operation: Operation) -> Node:
    written: Node = {"stepId": name, "description": step.step, "operationId": step.operation}
    parameters = [
        {"name": parameter, "in": operation.parameters[parameter], "value": value}
        for parameter, value in step.parameters.items()
    ]
    if operation.secured:
        token = "$inputs.access_token" if step.access_token is ABSENT else step.access_token
        parameters.append({"name": "Authorization", "in": "header", "value": f"Bearer {{{token}}}"})
    if parameters:
        written["parameters"] = parameters
    if step.body is not ABSENT:
        written["requestBody"] = {"contentType": "application/json", "payload": step.body}
    criteria: list[Node] = [{"condition": " || ".join(f"$statusCode == {status}" for status in step.statuses)}]
    for pointer, value, pattern in _expectations(step.expect.get("body", {})):
        place = f"$response.body#{pointer}"
        if pattern is None:
            criteria.append({"condition": f"{place} == {_arazzo_literal(value)}"})
        else:
            criteria.append({"context": place, "condition": pattern, "type": "regex"})
    written["successCriteria"] = criteria
    if step.retry:
        again = {"type": "retry", "retryAfter": step.retry["seconds"], "retryLimit": step.retry["times"]}
        written["onFailure"] = [{"name": f"{name}-again", **again}]
    if step.capture:
        written["outputs"] = {variable: f"$response.body#{pointer}" for variable, pointer in step.capture.items()}
    return written


def _arazzo_literal(value: Json) -> str:
    if not isinstance(value, str):
        return json.dumps(value)
    return value if value.startswith(("$inputs", "$steps")) else "'{}'".format(value.replace("'", "''"))


def collection() -> str:
    """The Postman collection, as JSON."""
    document = read_valid()
    contract = Contract(document)
    folders: list[Node] = []
    variables = [{"key": "base_url", "value": document["servers"][0]["url"]}]
    variables += [{"key": name, "value": ""} for name in _TEXTS["credentials"]]
    for workflow, story in _workflows({**WORKFLOWS, **_TEXTS["more_of_the_collection"]}, contract.operations).items():
        variables += [{"key": name, "value": value} for name, value in story.values.items()]
        steps = (*story.steps, *story.cleanup)
        places = {name: f"{{{{{name}}}}}" for step in steps for name in (*step.variables, *step.capture)}
        items = [
            _postman_item(f"{workflow}-{number}", step.filled(places), contract.operations[step.operation])
            for number, step in enumerate(steps, 1)
        ]
        # Once, before the first request of the folder.
        unique = [
            f"pm.collectionVariables.set({json.dumps(name)}, `mincloud-{workflow}-{name.replace('_', '-')}-${{Date.now().toString(36)}}`);"
            for name in story.unique
        ]
        items[0]["event"].insert(0, _postman_event("prerequest", unique))
        folders.append({"name": workflow, "description": story.story, "item": items})
    info = _TEXTS["collection"] | {"name": document["info"]["title"], "version": contract.version}
    return json.dumps({"info": info, "item": folders, "variable": variables}, ensure_ascii=False, indent=2) + "\n"


def _postman_item(identifier: str, step: Step, operation: Operation) -> Node:
    """A step as a request of the collection, with a script that checks its answer."""
    placed: dict[str, list[Node]] = {"path": [], "query": [], "header": []}
    for name, value in step.parameters.items():
        placed[operation.parameters[name]].append({"key": name, "value": str(value)})
    if operation.secured:
        token = "{{access_token}}" if step.access_token is ABSENT else step.access_token
        placed["header"].append({"key": "Authorization", "value": f"Bearer {token}"})
    path = [f":{part[1:-1]}" if part.startswith("{") else part for part in operation.path.strip("/").split("/")]
    query = "&".join(f"{each['key']}={each['value']}" for each in placed["query"])
    request: Node = {
        "method": operation.method,
        "header": placed["header"],
        "url": {
            "raw": f"{{{{base_url}}}}/{'/'.join(path)}/{query and f'?{query}'}",
            "host": ["{{base_url}}"],
            "path": [*path, ""],
            "query": placed["query"],
            "variable": placed["path"],
        },
    }
    if step.body is not ABSENT:
        placed["header"].append({"key": "Content-Type", "value": "application/json"})
        text = json.dumps(step.body, ensure_ascii=False, indent=2)
        request["body"] = {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
    expectations = _expectations(step.expect.get("body", {}))
    json_text = partial(json.dumps, ensure_ascii=False)
    script = _SCRIPT.render(identifier=identifier, step=step, expectations=expectations, json=json_text)
    test = _postman_event("test", script.splitlines())
    return {"id": identifier, "name": step.step, "event": [test], "request": request}


def _postman_event(when: str, lines: list[str]) -> Node:
    return {"listen": when, "script": {"type": "text/javascript", "exec": lines}}


def main() -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="workflows", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail when a file is stale")
    options = parser.parse_args()
    stale = False
    for path, text in {ARAZZO: arazzo(), COLLECTION: collection()}.items():
        if not options.check:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            name = path.relative_to(ROOT)
            print(f"{name} is not what the stories give: run `make generate` and commit", file=sys.stderr)
            stale = True
    return int(stale)


if __name__ == "__main__":
    sys.exit(main())
