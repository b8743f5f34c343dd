"""Hooks for schemathesis that make generated requests reach functions, for test_contract_agreement.py.

Left to itself, schemathesis calls functions that do not exist with credentials that nobody has, and learns that 404 and 401
are documented. Here a request that the contract allows also meets what a contract can't say: its function exists, a new
name is free, the credentials are the emulator's.
"""

from __future__ import annotations

import http.cookiejar
import itertools
import json
import os
import urllib.request
from typing import TYPE_CHECKING, Any, cast

import schemathesis

if TYPE_CHECKING:
    from schemathesis.generation.meta import CaseMetadata

_URL = os.environ["EMULATOR_URL"]
_CREDENTIALS = {
    "client_id": os.environ["EMULATOR_CLIENT_ID"],
    "client_secret": os.environ["EMULATOR_CLIENT_SECRET"],
}
_NAMES = (f"made-{number}" for number in itertools.count())


@schemathesis.hook  # pyright: ignore[reportUnknownMemberType] - schemathesis leaves it half typed
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    """Adjusts a request before it is sent."""
    # schemathesis leaves the type half open.
    headers = cast("dict[str, str]", case.headers)  # pyright: ignore[reportUnknownMemberType] - see above
    operation = case.operation.definition.raw["operationId"]
    body: dict[str, Any] = case.body if isinstance(case.body, dict) else {}
    if case.meta is None or not case.meta.generation.mode.is_positive:
        # What is wrong with a body or a query shows only where there is a function to ask for.
        if (
            case.meta is not None
            and _negative(case.meta) & {"body", "query"}
            and "function_name" in case.path_parameters
        ):
            case.path_parameters["function_name"] = "test"
            headers.pop("X-Hydrogen-Env-ID", None)
        return
    operation = operation.removesuffix("WithoutSlash")
    if operation in {"updateFunction", "deleteFunction"}:
        case.path_parameters["function_name"] = _made()
        headers.pop("X-Hydrogen-Env-ID", None)
    elif "function_name" in case.path_parameters or operation == "triggerFunction":
        case.path_parameters.update(dict.fromkeys(case.path_parameters, "test"))
        headers.pop("X-Hydrogen-Env-ID", None)
    if "name" in body:
        body["name"] = f"{next(_NAMES)} {body['name']}".replace("\0", "")
    if operation == "triggerFunction":
        body["function_name"] = "test"
    elif operation == "debugFunction" and body.get("subject") == "flex_schema":
        body.setdefault("schema_id", 1)
    elif operation == "authorize":
        body.update(_CREDENTIALS)
    elif operation == "createAccessToken" and body["grant_type"] == "authorization_code":
        body.update(_CREDENTIALS, code=_code())
    elif operation == "createAccessToken":
        # With credentials this grant would kill the token that all other requests carry.
        body["client_id"] = "nobody"


def _negative(meta: CaseMetadata) -> set[str]:
    """Returns the parts of a request that break the contract."""
    return {str(place.value) for place, part in meta.components.items() if part.mode.is_negative}


def _made() -> str:
    """Creates a function, and returns its name."""
    name = next(_NAMES)
    headers = {"Authorization": f"Bearer {os.environ['EMULATOR_ACCESS_TOKEN']}"}
    _post("/oserve/v1.3/cloud-function/", {"name": name, "function_code": "exports.main = 1"}, headers)
    return name


def _code() -> str:
    code: str = _post("/api/oauth2/hydrogen/openapi/authorize/", _CREDENTIALS, {})["code"]
    return code


def _post(path: str, body: dict[str, str], headers: dict[str, str]) -> dict[str, Any]:
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    request = urllib.request.Request(_URL + path, json.dumps(body).encode(), headers)
    with urllib.request.build_opener(cookies).open(request) as answer:
        value: dict[str, Any] = json.load(answer)
        return value
