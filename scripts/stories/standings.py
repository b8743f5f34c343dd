"""Where the contract takes a statement from, so that a story can say what its expectation rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scripts.contract.document import Document, mappings, operations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DOCUMENTED = "documented"


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
    """Every entry of `x-provenance` of the contract.

    Args:
        document: the contract, valid OpenAPI.
    """

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
                self._by_subject.setdefault(subject, []).extend(_entries(subject, node["x-provenance"]))

    def find(self, reference: str) -> Standing | None:
        """What a story refers to as `SUBJECT` or `SUBJECT ABOUT`; None if the contract says nothing there.

        Args:
            reference: the subject, and after a space the `about` of the entry.
        """
        subject, _, about = reference.partition(" ")
        entries = self._by_subject.get(subject, [])
        return next((entry for entry in entries if entry.about == about), None)

    def of_statuses(self, operation: str, statuses: Sequence[int]) -> list[Standing]:
        """What the contract says of where an operation's statuses come from, beside the documentation.

        Args:
            operation: the operationId.
            statuses: the statuses.
        """
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


def _entries(subject: str, entries: Sequence[Mapping[str, str]]) -> Iterator[Standing]:
    for entry in entries:
        yield Standing(subject, entry.get("about", ""), entry["standing"], entry["note"])
