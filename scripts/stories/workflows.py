"""The main workflows as an Arazzo description and as a Postman collection, derived from the stories, and run by their own tools.

    python -m scripts.stories.workflows [--check | --run]

writes `openapi/mincloud.arazzo.yaml` and `openapi/mincloud.postman.json`; `--check` only says whether they are up to date, and `--run`
runs both against an emulator, the first by Redocly's `respect` and the other by newman.
"""

from __future__ import annotations

import argparse
import http.server
import json
import os
import re
import subprocess
import sys
import threading
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

import httpx
import yaml

from mincloud_emulator import Emulator
from scripts import ROOT
from scripts.contract.document import CONTRACT, operations, read_valid, resolved

from .story import STORIES

if TYPE_CHECKING:
    from collections.abc import Mapping

Node: TypeAlias = "dict[str, Any]"

ARAZZO = ROOT / "openapi" / "mincloud.arazzo.yaml"
COLLECTION = ROOT / "openapi" / "mincloud.postman.json"
# The stories that are workflows of every client, by the workflow's id.
WORKFLOWS = {
    "log-in": "token",
    "deploy-and-call": "waiting-call",
    "call-and-wait-for-the-job": "not-waiting-call",
    "read-all-jobs": "job-pages",
}
MORE_OF_THE_COLLECTION = {
    "manage-functions": "function-life",
    "try-a-function": "tried-function",
    "call-the-older-way": "older-call",
}
_TOOLS = ROOT / "node_modules" / ".bin"
_GIVEN = {
    "access_token": "An access token of the application",
    "client_id": "The application's client_id",
    "client_secret": "The application's client_secret",
}


def read_workflows(workflows: Mapping[str, str]) -> dict[str, Node]:
    """The stories of workflows, by the workflow's id."""
    return {name: yaml.safe_load((STORIES / f"{story}.yaml").read_text("utf-8")) for name, story in workflows.items()}


@cache
def _contract() -> Node:
    return read_valid(CONTRACT)


@cache
def _operations() -> dict[str, tuple[str, str, Node]]:
    """Path, method and description of each operation, by its id."""
    return {operation["operationId"]: (path, method, operation) for path, method, operation in operations(_contract())}


def _places(operation: Node) -> dict[str, str]:
    """Where each parameter of an operation goes, by its name."""
    parameters = [resolved(_contract(), each) for each in operation.get("parameters", [])]
    return {parameter["name"]: parameter["in"] for parameter in parameters}


def _expectations(expected: Any, pointer: str = "") -> list[tuple[str, str, Any]]:
    """What an expected body asks for, a part at a time: its JSON pointer, the kind of the question, and the value."""
    if not isinstance(expected, dict | list):
        return [(pointer, "equals", expected)]
    if isinstance(expected, list):
        items = cast("Any", expected)
        return [part for number, item in enumerate(items) for part in _expectations(item, f"{pointer}/{number}")]
    fields = cast("Node", expected)
    if len(fields) == 1 and next(iter(fields)).startswith("$"):
        [(matcher, value)] = fields.items()
        # Whether a field is there is asked of the whole answer by the contract's schema.
        return [(pointer, matcher[1:], value)] if matcher in ("$type", "$pattern") else []
    return [part for name, field in fields.items() for part in _expectations(field, f"{pointer}/{name}")]


_PATTERNS = {"integer": r"^-?\d+$", "number": r"^-?[\d.eE+-]+$", "string": "^", "boolean": "^(true|false)$"}


def _pattern(kind: str, value: Any) -> str:
    """The regular expression that a matcher's value has to fit, as text."""
    return str(value) if kind == "pattern" else _PATTERNS[value if isinstance(value, str) else value[0]]


def _steps(story: Node) -> list[Node]:
    return [*story["steps"], *story.get("cleanup", [])]


def _statuses(expected: Node) -> list[int]:
    statuses: Any = expected["status"]
    return cast("list[int]", statuses if isinstance(statuses, list) else [statuses])


class _Arazzo:
    """Writes one workflow."""

    def __init__(self, name: str, story: Node) -> None:
        self._name = name
        self._story = story
        self._places: dict[str, str] = {given: f"$inputs.{given}" for given in _GIVEN}
        self._places |= {variable: f"$inputs.{variable}" for variable in story.get("variables", {})}

    def workflow(self) -> Node:
        """The workflow as Arazzo has it."""
        steps = [self._step(number, step) for number, step in enumerate(_steps(self._story))]
        used = json.dumps(steps)
        inputs: Node = {}
        for name, description in _GIVEN.items():
            if f"$inputs.{name}" in used:
                inputs[name] = {"type": "string", "description": description}
        for name, variable in self._story.get("variables", {}).items():
            inputs[name] = {
                "type": "string",
                "default": variable.get("value", f"mincloud-{self._name}-{name}".replace("_", "-")),
            }
        return {
            "workflowId": self._name,
            "summary": self._story["story"],
            "inputs": {"type": "object", "properties": inputs},
            "steps": steps,
        }

    def _step(self, number: int, step: Node) -> Node:
        _, _, operation = _operations()[step["operation"]]
        name = f"step-{number + 1}"
        written: Node = {"stepId": name, "description": step["step"], "operationId": step["operation"]}
        parameters = [
            {"name": parameter, "in": _places(operation)[parameter], "value": self._filled(value)}
            for parameter, value in step.get("parameters", {}).items()
        ]
        if operation.get("security"):
            token = self._filled(step.get("access_token", "${access_token}"))
            parameters.append({"name": "Authorization", "in": "header", "value": f"Bearer {{{token}}}"})
        if parameters:
            written["parameters"] = parameters
        if "body" in step:
            written["requestBody"] = {"contentType": "application/json", "payload": self._filled(step["body"])}
        written["successCriteria"] = self._criteria(step["expect"])
        if retry := step.get("retry"):
            written["onFailure"] = [
                {"name": f"{name}-again", "type": "retry", "retryAfter": retry["seconds"], "retryLimit": retry["times"]}
            ]
        if captured := step.get("capture"):
            written["outputs"] = {variable: f"$response.body#{pointer}" for variable, pointer in captured.items()}
            self._places |= {variable: f"$steps.{name}.outputs.{variable}" for variable in captured}
        return written

    def _filled(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._filled(field) for name, field in cast("Node", value).items()}
        if isinstance(value, list):
            return [self._filled(item) for item in cast("Any", value)]
        if isinstance(value, str) and value.startswith("${") and value.endswith("}"):
            return self._places[value[2:-1]]
        return value

    def _criteria(self, expected: Node) -> list[Node]:
        criteria: list[Node] = [
            {"condition": " || ".join(f"$statusCode == {status}" for status in _statuses(expected))}
        ]
        for pointer, kind, value in _expectations(expected.get("body", {})):
            context = f"$response.body#{pointer}"
            if kind == "equals":
                filled = self._filled(value)
                reference = isinstance(filled, str) and filled.startswith(("$inputs", "$steps"))
                literal = filled if reference else _literal(filled)
                criteria.append({"condition": f"{context} == {literal}"})
            else:
                criteria.append({"context": context, "condition": _pattern(kind, value), "type": "regex"})
        return criteria


def _literal(value: Any) -> str:
    if isinstance(value, str):
        doubled = value.replace("'", "''")
        return f"'{doubled}'"
    return json.dumps(value)


def arazzo() -> str:
    """The Arazzo description, as YAML."""
    contract = _contract()
    document = {
        "arazzo": "1.0.1",
        "info": {
            "title": "Workflows of MinCloud cloud functions",
            "version": contract["info"]["version"],
            "description": "Derived from the stories of the contract.",
        },
        "sourceDescriptions": [{"name": "mincloud", "url": "mincloud.yaml", "type": "openapi"}],
        "workflows": [_Arazzo(name, story).workflow() for name, story in read_workflows(WORKFLOWS).items()],
    }
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=140)


# Asks again while the answer is not yet as expected, where a step says so.
_CHECKS = """\
const checks = [
{checks}
];
const failing = checks.filter(([, check]) => {{ try {{ check(); }} catch (error) {{ return true; }} return false; }});
const tried = Number(pm.variables.get({tried}) || 1);
if (failing.length && tried < {times}) {{
  pm.variables.set({tried}, tried + 1);
  pm.execution.setNextRequest({request});
  setTimeout(() => {{}}, {milliseconds});
}} else {{
  checks.forEach(([name, check]) => pm.test(name, check));{captures}
}}"""


def _postman_item(workflow: str, number: int, step: Node) -> Node:
    """One step as a request of the collection, with a script that checks its answer."""
    path, method, operation = _operations()[step["operation"]]
    identifier = f"{workflow}-{number + 1}"
    parameters: Node = {name: _postman_text(value) for name, value in step.get("parameters", {}).items()}
    places: Node = {"path": [], "query": [], "header": []}
    for name, value in parameters.items():
        places[_places(operation)[name]].append({"key": name, "value": value})
    headers, query = places["header"], places["query"]
    steps = [f":{part[1:-1]}" if part.startswith("{") else part for part in path.strip("/").split("/")]
    if operation.get("security"):
        token = _postman_text(step.get("access_token", "${access_token}"))
        headers.append({"key": "Authorization", "value": f"Bearer {token}"})
    searched = "?" + "&".join(f"{each['key']}={each['value']}" for each in query) if query else ""
    request: Node = {
        "method": method.upper(),
        "header": headers,
        "url": {
            "raw": f"{{{{base_url}}}}/{'/'.join(steps)}/{searched}",
            "host": ["{{base_url}}"],
            "path": [*steps, ""],
            "query": query,
            "variable": places["path"],
        },
    }
    if "body" in step:
        headers.append({"key": "Content-Type", "value": "application/json"})
        text = json.dumps(step["body"], ensure_ascii=False, indent=2)
        request["body"] = {"mode": "raw", "raw": _postman_text(text), "options": {"raw": {"language": "json"}}}
    return {
        "id": identifier,
        "name": step["step"],
        "event": [_postman_event("test", _postman_script(identifier, step).splitlines())],
        "request": request,
    }


def _postman_event(when: str, lines: list[str]) -> Node:
    return {"listen": when, "script": {"type": "text/javascript", "exec": lines}}


def _postman_script(identifier: str, step: Node) -> str:
    expected = step["expect"]
    checks = [f"  ['status', () => pm.expect(pm.response.code).to.be.oneOf({json.dumps(_statuses(expected))})],"]
    for pointer, kind, value in _expectations(expected.get("body", {})):
        place = _javascript_place(pointer)
        if kind == "equals":
            wanted = json.dumps(value, ensure_ascii=False)
            if isinstance(value, str) and re.fullmatch(r"\$\{\w+\}", value):  # with its type
                wanted = f"pm.variables.get({json.dumps(value[2:-1])})"
            elif isinstance(value, str) and "${" in value:
                wanted = f"pm.variables.replaceIn({json.dumps(_postman_text(value), ensure_ascii=False)})"
            check = f"pm.expect({place}).to.eql({wanted})"
        else:
            check = f"pm.expect(String({place})).to.match(new RegExp({json.dumps(_pattern(kind, value))}))"
        checks.append(f"  [{json.dumps(pointer)}, () => {check}],")
    captures = "".join(
        f"\n  pm.collectionVariables.set({json.dumps(name)}, {_javascript_place(pointer)});"
        for name, pointer in step.get("capture", {}).items()
    )
    retry = step.get("retry", {"times": 1, "seconds": 0})
    return _CHECKS.format(
        checks="\n".join(checks),
        tried=json.dumps(f"tried-{identifier}"),
        times=retry["times"],
        milliseconds=int(retry["seconds"] * 1000),
        request=json.dumps(identifier),
        captures=captures,
    )


def _javascript_place(pointer: str) -> str:
    names = pointer.split("/")[1:]
    return "pm.response.json()" + "".join(f"[{name if name.isdigit() else json.dumps(name)}]" for name in names)


def _postman_text(value: Any) -> str:
    return re.sub(r"\$\{(\w+)\}", r"{{\1}}", str(value))


def collection() -> str:
    """The Postman collection, as JSON."""
    contract = _contract()
    folders: list[Node] = []
    variables = [
        {"key": "base_url", "value": contract["servers"][0]["url"]},
        *({"key": name, "value": ""} for name in _GIVEN),
    ]
    for workflow, story in read_workflows(WORKFLOWS | MORE_OF_THE_COLLECTION).items():
        made = story.get("variables", {})
        variables += [
            {"key": name, "value": variable["value"]} for name, variable in made.items() if "value" in variable
        ]
        unique = [
            f"pm.collectionVariables.set({json.dumps(name)}, `mincloud-{workflow}-{name.replace('_', '-')}-${{Date.now().toString(36)}}`);"
            for name, variable in made.items()
            if "unique" in variable
        ]
        items = [_postman_item(workflow, number, step) for number, step in enumerate(_steps(story))]
        # Once, before the first request of the folder.
        items[0]["event"].insert(0, _postman_event("prerequest", unique))
        folders.append({"name": workflow, "description": story["story"], "item": items})
    document = {
        "info": {
            "name": contract["info"]["title"],
            "description": "Derived from the stories of the contract. Set base_url, access_token, client_id and client_secret first.",
            "version": contract["info"]["version"],
            "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json",
        },
        "item": folders,
        "variable": variables,
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


class _CookieKeeper(http.server.BaseHTTPRequestHandler):
    """Passes requests on, and follows redirects with the cookies that they bring, which respect's own client forgets."""

    target: ClassVar[str]

    def _pass_on(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kept = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
        with httpx.Client(follow_redirects=True, trust_env=False, timeout=60) as client:
            answer = client.request(self.command, self.target + self.path, content=content, headers=kept)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - the base class's names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Keeps quiet."""


def run_both() -> int:
    """Runs the description and the collection against an emulator; returns 0 if every step went as it says, 1 if not."""
    quiet = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    with Emulator() as emulator:
        given = {
            "access_token": emulator.access_token,
            "client_id": emulator.client_id,
            "client_secret": emulator.client_secret,
        }
        handler = type("_Handler", (_CookieKeeper,), {"target": emulator.url})
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as keeper:
            threading.Thread(target=keeper.serve_forever, daemon=True).start()
            inputs = [word for name, value in given.items() for word in ("--input", f"{name}={value}")]
            server = f"mincloud=http://127.0.0.1:{keeper.server_port}"
            respect = [str(_TOOLS / "redocly"), "respect", str(ARAZZO), "--server", server, *inputs]
            failed = bool(subprocess.run(respect, env=quiet, check=False).returncode)
            keeper.shutdown()
        given["base_url"] = emulator.url
        variables = [word for name, value in given.items() for word in ("--env-var", f"{name}={value}")]
        newman = [str(_TOOLS / "newman"), "run", str(COLLECTION), "--reporters", "cli", *variables]
        failed |= bool(subprocess.run(newman, env=quiet, check=False).returncode)
    return int(failed)


def main() -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="workflows", description=(__doc__ or "").partition("\n")[0])
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="change nothing; fail when a file is stale")
    action.add_argument("--run", action="store_true", help="run both against an emulator")
    options = parser.parse_args()
    if options.run:
        return run_both()
    texts = {ARAZZO: arazzo(), COLLECTION: collection()}
    if not options.check:
        for path, text in texts.items():
            path.write_text(text, "utf-8")
        return 0
    stale = [path for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        name = path.relative_to(ROOT)
        print(f"{name} is not what the stories give: run `make generate` and commit", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
