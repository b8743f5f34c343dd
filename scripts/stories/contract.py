"""The contract as the stories need it: its operations, its provenance, and the validation of requests and responses."""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx
from jsonschema.exceptions import ValidationError
from openapi_core import Config, OpenAPI
from openapi_core.templating.responses.exceptions import ResponseFinderError
from openapi_core.testing import MockRequest, MockResponse
from openapi_core.validation.request import exceptions as request_errors
from openapi_core.validation.response.exceptions import DataValidationError

from scripts.contract.document import Document, mappings, one_line, operations, resolved

from .values import ABSENT, Absent, Json

_ORIGIN = "https://server.test"
_SUBJECTS: Mapping[type[Exception], str] = {
    request_errors.RequestBodyValidationError: "request body",
    request_errors.SecurityValidationError: "security",
    DataValidationError: "body",
    ResponseFinderError: "status",
}


@dataclass(frozen=True)
class Operation:
    """An operation of the contract.

    Attributes:
        parameters: Where each parameter goes: `path`, `query` or `header`.
        body_fields: The fields of its request's body, None where it has no body.
        secured: Whether it needs an access token.
        statuses: The statuses that it documents.
        example: The first example of its request's body, `ABSENT` where there is none.
    """

    name: str
    method: str
    path: str
    parameters: Mapping[str, str]
    body_fields: Sequence[str] | None
    secured: bool
    statuses: Sequence[int]
    summary: str
    example: Json | Absent


@dataclass(frozen=True)
class Statement:
    """An entry of `x-provenance`.

    Attributes:
        subject: What it stands at: an operationId, or a place such as `parameters.Limit` or `tags.jobs`.
        about: Which part of its subject it speaks of, empty for all of it.
        standing: `documented`, `observed`, `inferred` or `contradiction`.
        note: What is known, or which reading was chosen.
    """

    subject: str
    about: str
    standing: str
    note: str

    @property
    def sentence(self) -> str:
        """What it says, in one line."""
        return f"{self.subject}{f' ({self.about})' if self.about else ''}: {one_line(self.note)}"


class Contract:
    """The contract, and a validator of requests and responses.

    openapi-core validates against it, since it does what a hand-made comparison of bodies would leave out: it finds the
    operation by method and path, and reads and checks parameters, security and content types besides the bodies. What
    it lets pass is checked here: a query parameter that the operation has not, and a body with a 204.
    """

    def __init__(self, document: Document) -> None:
        self.version = str(document["info"]["version"])
        self.operations = {
            operation["operationId"]: _operation(document, path, method, operation)
            for path, method, operation in operations(document)
        }
        self.secret_names = frozenset(
            place[-1] for place, node in mappings(document) if node.get("x-secret") and place[-2:-1] == ("properties",)
        )
        self._statements = _statements(document)
        # Paths are compared below the base URL, wherever that is.
        # Errors may be anything, under `*/*`; openapi-core decodes JSON alone, and bytes are no string to it.
        config = Config(extra_media_type_deserializers={"*/*": lambda body: body.decode("utf-8", "replace")})
        self._validator = OpenAPI.from_dict({**document, "servers": [{"url": _ORIGIN}]}, config=config)

    def statement(self, reference: str) -> Statement | None:
        """The entry that a story refers to as `SUBJECT` or `SUBJECT ABOUT`; None if the contract has none."""
        subject, _, about = reference.partition(" ")
        return next((entry for entry in self._statements[subject] if entry.about == about), None)

    def undocumented(
        self, references: Sequence[str], operation: str = "", statuses: Sequence[int] = ()
    ) -> list[Statement]:
        """The entries that are not documented: those that a story refers to, and those about statuses of an operation."""
        wanted = {"responses", *(f"responses.{status}" for status in statuses)}
        entries = [entry for entry in self._statements[operation] if wanted & set(entry.about.split(", "))]
        entries += filter(None, map(self.statement, references))
        return [entry for entry in entries if entry.standing != "documented"]

    def request_problem(self, exchange: Exchange, operation: Operation) -> str | None:
        """Says in one line how a request breaks the contract; None if it keeps to it."""
        for name in exchange.request.url.params:
            if operation.parameters.get(name) != "query":
                return f"the query parameter {name!r} does not exist"
        return _first(self._validator.iter_request_errors(exchange.for_openapi_core()[0]))

    def response_problem(self, exchange: Exchange) -> str | None:
        """Says in one line how a response breaks the contract; None if it keeps to it."""
        response = exchange.response
        # HTTP libraries do not read the body of a 204, so that only its announcement shows.
        if response.status_code == HTTPStatus.NO_CONTENT and response.headers.get("content-length", "0") != "0":
            return "body: a 204 has none"
        # An error may come without a body, whatever the contract says that it holds otherwise.
        if response.is_error and not response.content:
            return None
        return _first(self._validator.iter_response_errors(*exchange.for_openapi_core()))


@dataclass(frozen=True)
class Exchange:
    """A request and its response as they went over the wire, and the request's path below the base URL, encoded."""

    path: str
    request: httpx.Request
    response: httpx.Response

    def for_openapi_core(self) -> tuple[MockRequest, MockResponse]:
        """The request and the response as openapi-core takes them."""
        sent, response = self.request, self.response
        request = MockRequest(
            _ORIGIN, sent.method, self.path, args=dict(sent.url.params), headers=dict(sent.headers), data=sent.content
        )
        request.content_type = sent.headers.get("content-type", "").lower()
        content_type = response.headers.get("content-type", "").lower()
        return request, MockResponse(response.content, response.status_code, dict(response.headers), content_type)


def explain_error(error: ValidationError) -> tuple[list[str], str]:
    """The keys that lead to where a value does not fit its JSON Schema, and the reason in one line.

    That a value fits none of several alternatives says little: of these, the one is described that fits furthest.
    """
    while error.context:
        error = max(error.context, key=lambda alternative: len(alternative.absolute_path))
    return [str(key) for key in error.absolute_path], one_line(error.message)


def _first(errors: Iterable[Exception]) -> str | None:
    """The first error in one line, with the place in the body where it has one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a deprecated operation is part of the contract
        error = next(iter(errors), None)
    if error is None:
        return None
    if isinstance(error, request_errors.ParameterValidationError):
        subject = f"{error.location} parameter {error.name}"
    else:
        subject = next((subject for kind, subject in _SUBJECTS.items() if isinstance(error, kind)), "request")
    found: list[ValidationError] = list(getattr(error.__cause__, "schema_errors", ()))
    if not found:
        return one_line(f"{subject}: {error.__cause__ or error}")
    keys, reason = explain_error(found[0])
    place = "".join(f"/{key}" for key in keys)
    return f"{subject}{place and f' at {place}'}: {reason}"


def _operation(document: Document, path: str, method: str, operation: dict[str, Any]) -> Operation:
    listed = [*document["paths"][path].get("parameters", ()), *operation.get("parameters", ())]
    parameters = [resolved(document, parameter) for parameter in listed]
    fields, example = None, ABSENT
    if "requestBody" in operation:
        media: dict[str, Any] = next(iter(resolved(document, operation["requestBody"])["content"].values()))
        schema = resolved(document, media.get("schema", {}))
        fields = [
            name for each in schema.get("oneOf", [schema]) for name in resolved(document, each).get("properties", ())
        ]
        example = next((resolved(document, each)["value"] for each in media.get("examples", {}).values()), ABSENT)
    return Operation(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        parameters={parameter["name"]: parameter["in"] for parameter in parameters},
        body_fields=fields,
        secured=bool(operation.get("security", document.get("security"))),
        statuses=sorted(int(status) for status in operation["responses"] if status.isdecimal()),
        summary=operation.get("summary", ""),
        example=example,
    )


def _statements(document: Document) -> dict[str, list[Statement]]:
    """Every entry of `x-provenance`, by its subject."""
    subjects: dict[tuple[str, ...], str] = {}
    for path, method, each in operations(document):
        subjects["paths", path, method] = each["operationId"]
    for index, tag in enumerate(document.get("tags", ())):
        subjects["tags", str(index)] = f"tags.{tag['name']}"
    statements: dict[str, list[Statement]] = defaultdict(list)
    for place, node in mappings(document):
        if "x-provenance" not in node or place[-1:] == ("properties",):
            continue
        subject = subjects.get(place) or ".".join(key for key in place[1:] if key not in ("properties", "schema"))
        if "in" in node and place[:3] in subjects:  # a parameter that stands at its operation
            subject = f"{subjects[place[:3]]}.{node['name']}"
        for entry in node["x-provenance"]:
            statements[subject].append(Statement(subject, entry.get("about", ""), entry["standing"], entry["note"]))
    return statements
