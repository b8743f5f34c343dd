"""The contract as the stories need it: its operations, and whether a request or an answer keeps to it."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from scripts.contract.document import Document, mappings, one_line, operations, resolved

from .values import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from jsonschema.exceptions import ValidationError

DOCUMENTED = "documented"
_ORIGIN = "https://server.test"


@dataclass(frozen=True)
class Operation:
    """An operation of the contract.

    Attributes:
        name: its operationId.
        method: its method, in capitals.
        path: its path with placeholders.
        parameters: where each parameter goes: `path`, `query` or `header`.
        body_fields: the fields of its request's body, None where it has no body.
        secured: whether it needs an access token.
        statuses: the statuses that it documents.
        summary: what it does, in a few words.
        example: its request's body as the first example has it, `ABSENT` where it has none.
    """

    name: str
    method: str
    path: str
    parameters: Mapping[str, str]
    body_fields: frozenset[str] | None
    secured: bool
    statuses: tuple[int, ...]
    summary: str
    example: object


@dataclass(frozen=True)
class Exchange:
    """A request and its answer as they went over the wire; path (below the base URL) and query are still encoded."""

    method: str
    path: str
    query: str
    request_headers: Mapping[str, str]
    request_body: bytes | None
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Standing:
    """An entry of `x-provenance`.

    Attributes:
        subject: what it stands at: an operationId, or a place such as `parameters.Limit` or `tags.jobs`.
        about: which part of its surroundings it speaks of, empty for all of it.
        standing: `documented`, `observed`, `inferred` or `contradiction`.
        note: what is known, or which reading was chosen.
    """

    subject: str
    about: str
    standing: str
    note: str

    @property
    def sentence(self) -> str:
        """What it says, in one line."""
        return f"{self.subject}{f' ({self.about})' if self.about else ''}: {' '.join(self.note.split())}"


class Standings:
    """Every entry of `x-provenance` of the contract, so that a story can say what its expectation rests on."""

    def __init__(self, document: Document) -> None:
        self._by_subject: dict[str, list[Standing]] = {}
        names: dict[tuple[str, ...], str] = {
            ("paths", path, method): str(each["operationId"]) for path, method, each in operations(document)
        }
        tags: dict[tuple[str, ...], str] = {
            ("tags", str(index)): f"tags.{tag['name']}" for index, tag in enumerate(document.get("tags", []))
        }
        for place, node in mappings(document):
            if "x-provenance" in node and place[-1:] != ("properties",):
                named = (step for step in place[1:] if step not in ("properties", "schema"))
                subject = names.get(place) or tags.get(place) or _parameter(place, node, names) or ".".join(named)
                self._by_subject.setdefault(subject, []).extend(
                    Standing(subject, entry.get("about", ""), entry["standing"], entry["note"])
                    for entry in node["x-provenance"]
                )

    def find(self, reference: str) -> Standing | None:
        """What a story refers to as `SUBJECT` or `SUBJECT ABOUT`; None if the contract says nothing there."""
        subject, _, about = reference.partition(" ")
        entries = self._by_subject.get(subject, [])
        return next((entry for entry in entries if entry.about == about), None)

    def of_statuses(self, operation: str, statuses: Sequence[int]) -> list[Standing]:
        """What the contract says of where the statuses of an operation come from, beside the documentation."""
        wanted = {"responses", *(f"responses.{status}" for status in statuses)}
        return [
            entry
            for entry in self._by_subject.get(operation, [])
            if entry.standing != DOCUMENTED and wanted & {part.strip() for part in entry.about.split(",")}
        ]


def _parameter(place: tuple[str, ...], node: Mapping[str, Any], names: Mapping[tuple[str, ...], str]) -> str | None:
    """The name of a parameter that stands at its operation; those of `components` have their own."""
    operation = names.get(place[:3])
    return f"{operation}.{node['name']}" if operation and "in" in node else None


class Contract:
    """The contract.

    openapi-core validates against it, since it does what a hand-made comparison of bodies would leave out: it finds the
    operation by method and path, and reads and checks parameters, security and content types besides the bodies. What
    it lets pass is checked here: a query parameter that the operation has not, and a body with a 204.
    """

    def __init__(self, document: Document) -> None:
        self.version = str(document["info"]["version"])
        self.standings = Standings(document)
        self.operations = {operation.name: operation for operation in _operations(document)}
        self.secret_names = frozenset(
            place[-1] for place, node in mappings(document) if node.get("x-secret") and place[-2:-1] == ("properties",)
        )
        # Paths are compared below the base URL, wherever that is.
        # Errors may be anything, under `*/*`; openapi-core decodes JSON alone, and bytes are no string to it.
        config = Config(extra_media_type_deserializers={"*/*": lambda body: body.decode("utf-8", "replace")})
        self._validator = OpenAPI.from_dict({**document, "servers": [{"url": _ORIGIN}]}, config=config)

    def request_problem(self, exchange: Exchange, operation: Operation) -> str | None:
        """How a request breaks the contract, in one line; None if it keeps to it."""
        for name, _ in parse_qsl(exchange.query, keep_blank_values=True):
            if operation.parameters.get(name) != "query":
                return f"the query parameter {name!r} does not exist"
        with warnings.catch_warnings():
            # A deprecated operation is part of the contract.
            warnings.simplefilter("ignore", DeprecationWarning)
            return _first(self._validator.iter_request_errors(_Request(exchange)))

    def answer_problem(self, exchange: Exchange) -> str | None:
        """How an answer breaks the contract, in one line; None if it keeps to it."""
        # HTTP libraries do not read the body of a 204, so that only its announcement shows.
        if exchange.status == HTTPStatus.NO_CONTENT and exchange.headers.get("content-length", "0") != "0":
            return "body: a 204 has none"
        # An error may come without a body, whatever the contract says that it holds otherwise.
        if exchange.status >= HTTPStatus.BAD_REQUEST and not exchange.body:
            return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            request = _Request(exchange)
            return _first(self._validator.iter_response_errors(request, _Answer(exchange)))


class _Request:
    """A request in the form that openapi-core asks for."""

    def __init__(self, exchange: Exchange) -> None:
        self.host_url = _ORIGIN
        self.path = exchange.path
        self.method = exchange.method.lower()
        self.body = exchange.request_body
        self.content_type = exchange.request_headers.get("content-type", "").lower()
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(parse_qsl(exchange.query, keep_blank_values=True)),
            header=Headers(dict(exchange.request_headers)),
            cookie=ImmutableMultiDict(),
        )


class _Answer:
    """An answer in the form that openapi-core asks for."""

    def __init__(self, exchange: Exchange) -> None:
        self.status_code = exchange.status
        self.headers = Headers(dict(exchange.headers))
        self.content_type = exchange.headers.get("content-type", "").lower()
        self.data = exchange.body


def deepest(error: ValidationError) -> tuple[tuple[str, ...], str]:
    """The keys that lead to where a value does not fit its JSON Schema, and the reason in one line.

    That a value fits none of several alternatives says little: of these, the one is described that fits furthest.
    """
    while error.context:
        error = max(error.context, key=lambda alternative: len(alternative.absolute_path))
    return tuple(str(key) for key in error.absolute_path), one_line(error.message)


def _first(errors: Iterable[Exception]) -> str | None:
    """The first error in one line, with the place in the body where it has one."""
    error = next(iter(errors), None)
    if error is None:
        return None
    found: list[ValidationError] = list(getattr(error.__cause__, "schema_errors", ()))
    if found:
        keys, reason = deepest(found[0])
        place = "".join(f"/{key}" for key in keys)
        return f"{_subject(error)}{place and f' at {place}'}: {reason}"
    cause = error.__cause__ or error
    return one_line(f"{_subject(error)}: {cause}")


def _subject(error: Exception) -> str:
    name = getattr(error, "name", None)
    location = getattr(error, "location", None)
    if name and location:
        return f"{location} parameter {name}"
    return {
        "InvalidRequestBody": "request body",
        "RequestBodyValidationError": "request body",
        "MissingRequiredRequestBody": "request body",
        "MissingRequestBody": "request body",
        "SecurityValidationError": "security",
        "InvalidData": "body",
        "DataValidationError": "body",
        "MissingData": "body",
        "ResponseNotFound": "status",
    }.get(type(error).__name__, "request")


def _operations(document: Document) -> Iterator[Operation]:
    for path, method, operation in operations(document):
        listed: list[dict[str, Any]] = [
            *document["paths"][path].get("parameters", []),
            *operation.get("parameters", []),
        ]
        parameters = [resolved(document, parameter) for parameter in listed]
        yield Operation(
            name=operation.get("operationId") or f"{method} {path}",
            method=method.upper(),
            path=path,
            parameters={parameter["name"]: parameter["in"] for parameter in parameters},
            body_fields=_body_fields(document, operation),
            secured=bool(operation.get("security", document.get("security"))),
            statuses=tuple(sorted(int(status) for status in operation["responses"] if status.isdecimal())),
            summary=operation.get("summary", ""),
            example=_example(document, operation),
        )


def _example(document: Document, operation: dict[str, Any]) -> object:
    if "requestBody" not in operation:
        return ABSENT
    media: dict[str, Any] = next(iter(resolved(document, operation["requestBody"])["content"].values()))
    examples: list[dict[str, Any]] = list(media.get("examples", {}).values())
    return resolved(document, examples[0])["value"] if examples else ABSENT


def _body_fields(document: Document, operation: dict[str, Any]) -> frozenset[str] | None:
    if "requestBody" not in operation:
        return None
    content: dict[str, Any] = resolved(document, operation["requestBody"])["content"]
    schema = resolved(document, content.get("application/json", {}).get("schema", {}))
    alternatives = [resolved(document, alternative) for alternative in schema.get("oneOf", [schema])]
    return frozenset(name for alternative in alternatives for name in alternative.get("properties", ()))
