"""Derives the typed client in `generated/mincloud_api/` and the contract's variants. `--check` only says whether they are up to date.

The generator's templates are taken from its installed package. What this project changes in them stands in `templates/`
(whole files, and `*.append.*` files that are added at the end) and in `EDITS` below; an edit whose place is not found, as after an
upgrade of the generator, stops the generation.
"""

from __future__ import annotations

import argparse
import filecmp
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from scripts import ROOT, ScriptError
from scripts.contract.document import CONTRACT, read_document
from scripts.contract.variants import derive_all, variants

TARGET = ROOT / "generated" / "mincloud_api"
TEMPLATES = Path(__file__).resolve().parent / "templates"
LONGEST_MESSAGE = 500
# Public names of `mincloud` that differ from the contract's, which other languages cannot use: browsers have an `EventSource`.
CLASS_NAMES = {"JobSource": {"class_name": "EventSource", "module_name": "event_source"}}

# (template, what stands there, what takes its place, why)
EDITS = [
    (
        "client.py.jinja",
        '"token": namespace(type="str", default="",',
        '"token": namespace(type="str", default="field(repr=False, kw_only=True)",',
        "the token stays out of the repr, and comes by name, since the address has a default",
    ),
    (
        "client.py.jinja",
        '_headers: dict[str, str] = field(factory=dict, kw_only=True, alias="headers")',
        '_headers: dict[str, str] = field(factory=dict, kw_only=True, alias="headers", repr=False)',
        "the generated client puts the token into its headers, so they stay out of the repr too",
    ),
    (
        "types.py.jinja",
        "from collections.abc import Mapping, MutableMapping",
        "from collections.abc import Callable, Mapping, MutableMapping",
        "the appended part uses Callable",
    ),
    (
        "types.py.jinja",
        "from typing import BinaryIO, Generic, TypeVar, Literal, IO",
        "from typing import Any, BinaryIO, Generic, TypeVar, Literal, IO",
        "the appended part uses Any",
    ),
    (
        "types.py.jinja",
        '__all__ = ["UNSET", "File", "FileTypes", "RequestFiles", "Response", "Unset"]',
        '__all__ = ["UNSET", "File", "FileTypes", "RequestFiles", "Response", "Unset"]',
        "the appended part adds to it",
    ),
    (
        "endpoint_module.py.jinja",
        "from http import HTTPStatus\nfrom typing import Any, cast\n",
        "from __future__ import annotations\n\nfrom http import HTTPStatus\nfrom typing import TYPE_CHECKING, Any, cast\n",
        "annotations alone do not import httpx",
    ),
    (
        "endpoint_module.py.jinja",
        "import httpx\n\nfrom ...client import AuthenticatedClient, Client\nfrom ...types import Response, UNSET\n",
        (
            "if TYPE_CHECKING:\n    import httpx\n\n    from ...client import AuthenticatedClient, Client\n\n"
            "from ...types import InvalidValue, Response, UNSET, read_body\n"
        ),
        "annotations alone do not import httpx, and the appended part raises InvalidValue",
    ),
    (
        "client.py.jinja",
        '_base_url: str = field(alias="base_url")',
        '_base_url: str = field(default="{{ server }}", alias="base_url")',
        "who names no server means the service",
    ),
    (
        "client.py.jinja",
        '_timeout: httpx.Timeout | None = field(default=None, kw_only=True, alias="timeout")',
        '_timeout: httpx.Timeout | None = field(factory=lambda: httpx.Timeout(30.0), kw_only=True, alias="timeout")',
        "no request waits for ever unless it is asked to",
    ),
    (
        "client.py.jinja",
        '"field(default=False, kw_only=True)"',
        '"field(default=True, kw_only=True)"',
        "a 502 is no deletion",
    ),
    (
        "errors.py.jinja",
        "f\"Unexpected status code: {status_code}\\n\\nResponse content:\\n{content.decode(errors='ignore')}\"",
        'f"the answer has the status {status_code}, which the contract does not list; its body is in `content`"',
        "a body stays out of messages",
    ),
    (
        "types.py.jinja",
        "status_code: HTTPStatus",
        "status_code: int",
        "gateways answer with statuses that HTTPStatus does not know, as 499 and 520",
    ),
    (
        "endpoint_module.py.jinja",
        "    {% if endpoint.responses.default %}\n    {{ parse_response",
        (
            "    {% if endpoint.responses.default %}\n    if client.raise_on_unexpected_status:\n"
            "        raise errors.UnexpectedStatus(response.status_code, response.content)\n    {{ parse_response"
        ),
        "what only `default` describes is unexpected",
    ),
    (
        "endpoint_module.py.jinja",
        (
            "        status_code=HTTPStatus(response.status_code),\n        content=response.content,\n"
            "        headers=response.headers,\n        parsed=_parse_response(client=client, response=response),\n"
        ),
        (
            "        status_code=response.status_code,\n        content=response.content,\n"
            "        headers=response.headers,\n"
            "        parsed=read_body(lambda: _parse_response(client=client, response=response), response),\n"
        ),
        "an error that is not JSON is text",
    ),
]


def read_contract(path: Path) -> dict[str, Any]:
    """The contract, parsed and valid.

    Raises:
        ScriptError: It is missing, not YAML, or not valid OpenAPI 3.0.
    """
    contract, problems = read_document(path)
    if problems:
        raise ScriptError(problems[0].line(path.name))
    return contract


def secret_properties(contract: dict[str, Any]) -> dict[str, list[str]]:
    """The properties marked `x-secret`, by schema."""
    schemas: dict[str, Any] = contract["components"]["schemas"]
    found = {
        name: [key for key, value in schema.get("properties", {}).items() if value.get("x-secret")]
        for name, schema in schemas.items()
    }
    return {name: keys for name, keys in found.items() if keys}


def write_templates(contract: dict[str, Any], digest: str, folder: Path) -> None:
    """Writes the generator's templates as this project wants them.

    Raises:
        ScriptError: A place to edit is not in the generator's template.
    """
    original = files("openapi_python_client") / "templates"
    edited: dict[str, str] = {}
    for name, old, new, why in EDITS:
        text = edited.get(name) or (original / name).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ScriptError(
                f"the generator's template {name} has changed where this project edits it ({why}): "
                "compare it with EDITS in scripts/codegen/generate.py"
            )
        edited[name] = text.replace(old, new)
    for template in TEMPLATES.glob("*.append.*"):
        name = template.name.replace(".append.", ".")
        edited[name] = (edited.get(name) or (original / name).read_text(encoding="utf-8")) + template.read_text("utf-8")
    settings = {
        "secrets": secret_properties(contract),
        "contract_version": contract["info"]["version"],
        "contract_sha256": digest,
        "server": contract["servers"][0]["url"],
    }
    prefix = "".join(f"{{% set {name} = {value!r} %}}" for name, value in settings.items())
    for template in TEMPLATES.glob("*.jinja"):
        if ".append." not in template.name:
            edited[template.name] = prefix + template.read_text(encoding="utf-8")
    edited["client.py.jinja"] = prefix + edited["client.py.jinja"]
    for name, text in edited.items():
        (folder / name).write_text(text, encoding="utf-8")


def generate(target: Path) -> None:
    """Generates the client into an empty folder.

    Args:
        target: The folder, which does not exist yet.

    Raises:
        ScriptError: The contract is not valid, or the generator warned or failed.
    """
    contract = read_contract(CONTRACT)
    digest = hashlib.sha256(CONTRACT.read_bytes()).hexdigest()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        templates = folder / "templates"
        templates.mkdir()
        write_templates(contract, digest, templates)
        hooks = [
            "ruff check . --isolated --quiet --fix --line-length 120 --target-version py311 --select F401,F811,F841,I,UP --exit-zero",
            "ruff format . --isolated --quiet --line-length 120 --target-version py311",
        ]
        config = folder / "config.yaml"
        config.write_text(
            yaml.safe_dump(
                {"package_name_override": "mincloud_api", "class_overrides": CLASS_NAMES, "post_hooks": hooks}
            ),
            encoding="utf-8",
        )
        beside_python = str(Path(sys.executable).parent)
        result = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "openapi_python_client",
                    "generate",
                    "--fail-on-warning",
                    "--meta",
                    "none",
                ),
                *("--path", str(CONTRACT), "--config", str(config), "--output-path", str(target)),
                *("--custom-template-path", str(templates)),
            ],
            env={
                **os.environ,
                "_TYPER_STANDARD_TRACEBACK": "1",
                "PATH": os.pathsep.join([beside_python, os.environ.get("PATH", "")]),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip()
        # A template that meets what it does not know ends in a traceback, of which the last line says it. A warning is followed by
        # dumps of the generator's own objects and an invitation to report it.
        said = said.splitlines()[-1] if "Traceback" in said else " ".join(said.partition("If you believe")[0].split())
        said = said if len(said) <= LONGEST_MESSAGE else said[:LONGEST_MESSAGE] + "…"
        raise ScriptError(f"the generator did not accept the contract, or warned about it: {said}")
    for cache in target.rglob(".ruff_cache"):
        shutil.rmtree(cache)
    (target / "py.typed").touch()
    # As JSON, so that `mincloud.contract()` needs no YAML parser; indented, so that a change of the contract shows as what it is.
    (target / "contract.json").write_text(json.dumps(contract, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def write_variants(folder: Path) -> None:
    """Writes the contract's variants for `mincloud.contract()`, each on one line, since nobody reads them here.

    Args:
        folder: The folder, which does not exist yet.

    Raises:
        ScriptError: A variant could not be derived.
    """
    folder.mkdir()
    for variant, document in derive_all(each for each in variants() if each).items():
        text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
        (folder / f"{'-'.join(variant)}.json").write_text(f"{text}\n", encoding="utf-8")


def differences(left: Path, right: Path) -> list[str]:
    """The files that are not the same in two folders, as paths relative to them."""

    def listing(folder: Path) -> set[str]:
        found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        return {path.relative_to(folder).as_posix() for path in found}

    ours, theirs = listing(left), listing(right)
    _, changed, unreadable = filecmp.cmpfiles(left, right, sorted(ours & theirs), shallow=False)
    return sorted({*(ours ^ theirs), *changed, *unreadable})


def main() -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail when the committed client is stale")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        fresh = Path(temporary) / "mincloud_api"
        try:
            generate(fresh)
            write_variants(fresh / "variants")
        except ScriptError as error:
            print(f"generate: {error}", file=sys.stderr)
            return 1
        stale = differences(fresh, TARGET)
        if arguments.check:
            if stale:
                print(
                    f"generated/ is not what the contract gives ({', '.join(stale)}): run `make generate` and commit",
                    file=sys.stderr,
                )
            return 1 if stale else 0
        if stale:
            shutil.rmtree(TARGET, ignore_errors=True)
            shutil.copytree(fresh, TARGET)
        print(f"generated/mincloud_api: {len(stale)} files changed" if stale else "generated/mincloud_api: up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
