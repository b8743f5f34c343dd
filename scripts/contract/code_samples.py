"""Samples of each operation for curl, Node and PHP, as an OpenAPI Overlay that adds `x-codeSamples`.

They are made from the contract's first examples by the templates in `samples/`. The page of the contract shows them, and the npm package
has the overlay.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

from scripts.contract.document import Document, operations, resolved

_TEMPLATES = {"Shell": ("curl", "curl.sh"), "JavaScript": ("Node", "node.mjs"), "PHP": ("PHP", "php.php")}
# They are programs, in which nothing has to be escaped for HTML.
_ENVIRONMENT = Environment(loader=FileSystemLoader(Path(__file__).parent / "samples"), trim_blocks=True)  # noqa: S701


def code_samples(contract: Document) -> dict[str, list[dict[str, str]]]:
    """The samples of each operation by its id, as `x-codeSamples` has them."""
    return {
        operation["operationId"]: _samples(contract, path, method, operation)
        for path, method, operation in operations(contract)
    }


def overlay(contract: Document) -> Document:
    """The samples as an overlay for the contract and each of its variants."""
    samples = code_samples(contract)
    return {
        "overlay": "1.0.0",
        "info": {"title": "Code samples for curl, Node and PHP", "version": contract["info"]["version"]},
        "actions": [
            {"target": f"$.paths['{path}'].{method}", "update": {"x-codeSamples": samples[operation["operationId"]]}}
            for path, method, operation in operations(contract)
        ],
    }


def _samples(contract: Document, path: str, method: str, operation: Document) -> list[dict[str, str]]:
    body: Any = None
    if "requestBody" in operation:
        [content] = resolved(contract, operation["requestBody"])["content"].values()
        body = resolved(contract, next(iter(content["examples"].values())))["value"]
    for each in operation.get("parameters", []):
        parameter = resolved(contract, each)
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
    request = {
        "method": method.upper(),
        "url": contract["servers"][0]["url"].rstrip("/") + path,
        "body": None if body is None else json.dumps(body, ensure_ascii=False),
        "authorized": bool(operation.get("security")),
        "redirected": "302" in operation["responses"],  # redirects are to be followed with their cookies
        "empty": "204" in operation["responses"],
    }
    return [
        {
            "lang": language,
            "label": label,
            "source": _ENVIRONMENT.get_template(f"{name}.jinja").render(request).rstrip(),
        }
        for language, (label, name) in _TEMPLATES.items()
    ]
