"""Samples of each operation for curl, Node and PHP, as an OpenAPI Overlay that adds `x-codeSamples`.

They are made from the contract's first examples. The page of the contract shows them, and the npm package has the overlay.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scripts.contract.document import operations, resolved

if TYPE_CHECKING:
    from scripts.contract.document import Document


@dataclass(frozen=True, slots=True)
class _Request:
    """One request to show: `redirected` where redirects are to be followed with their cookies, `empty` where the answer has no body."""

    method: str
    url: str
    body: str | None
    authorized: bool
    redirected: bool
    empty: bool


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
    request = _Request(
        method.upper(),
        contract["servers"][0]["url"].rstrip("/") + path,
        None if body is None else json.dumps(body, ensure_ascii=False),
        bool(operation.get("security")),
        "302" in operation["responses"],
        "204" in operation["responses"],
    )
    return [
        {"lang": "Shell", "label": "curl", "source": _curl(request)},
        {"lang": "JavaScript", "label": "Node", "source": _node(request)},
        {"lang": "PHP", "label": "PHP", "source": _php(request)},
    ]


def _curl(request: _Request) -> str:
    words = ["curl --fail-with-body"]
    if request.redirected:
        words.append("--location --cookie ''")
    if request.method != "GET" and not (request.method == "POST" and request.body is not None):
        words.append(f"--request {request.method}")
    if request.authorized:
        words.append('--header "Authorization: Bearer $ACCESS_TOKEN"')
    if request.body is not None:
        quoted = request.body.replace("'", "'\\''")
        words += ["--header 'Content-Type: application/json'", f"--data '{quoted}'"]
    return " \\\n  ".join([*words, request.url])


def _node(request: _Request) -> str:
    if request.redirected:
        return (
            "// fetch forgets the cookies of a redirect; this keeps them, and exchanges the code for a token.\n"
            "import { getAccessToken } from 'mincloud-openapi'\n\n"
            "const { CLIENT_ID: clientId, CLIENT_SECRET: clientSecret } = process.env\n"
            "console.log(await getAccessToken({ clientId, clientSecret }))"
        )
    headers = ["Authorization: `Bearer ${process.env.ACCESS_TOKEN}`"] if request.authorized else []
    headers += ["'Content-Type': 'application/json'"] if request.body is not None else []
    options = [f"method: '{request.method}'", f"headers: {{ {', '.join(headers)} }}"]
    options += [f"body: JSON.stringify({request.body})"] if request.body is not None else []
    return (
        f"const response = await fetch('{request.url}', {{\n  "
        + ",\n  ".join(options)
        + ",\n})\nif (!response.ok) throw new Error(`${response.status}: ${await response.text()}`)"
        + ("" if request.empty else "\nconsole.log(await response.json())")
    )


def _php(request: _Request) -> str:
    headers = ["'Authorization: Bearer ' . getenv('ACCESS_TOKEN')"] if request.authorized else []
    headers += ["'Content-Type: application/json'"] if request.body is not None else []
    options = [f"CURLOPT_CUSTOMREQUEST => '{request.method}'", f"CURLOPT_HTTPHEADER => [{', '.join(headers)}]"]
    if request.body is not None:
        quoted = request.body.replace("\\", "\\\\").replace("'", "\\'")
        options.append(f"CURLOPT_POSTFIELDS => '{quoted}'")
    if request.redirected:
        options[0] = "CURLOPT_POST => true"
        options += ["CURLOPT_FOLLOWLOCATION => true", "CURLOPT_COOKIEFILE => ''"]
    options.append("CURLOPT_RETURNTRANSFER => true")
    return (
        f"<?php\n$request = curl_init('{request.url}');\ncurl_setopt_array($request, [\n    "
        + ",\n    ".join(options)
        + ",\n]);\n$body = curl_exec($request);\n"
        + "echo curl_getinfo($request, CURLINFO_RESPONSE_CODE), ' ', $body;"
    )
