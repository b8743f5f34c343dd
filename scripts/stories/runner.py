"""Runs a story: its steps in order, and its clean-up whatever happened."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, cast

from .contract import DOCUMENTED, Standing
from .driver import Answer, NoAnswerError, Request, read_addresses
from .values import (
    ABSENT,
    Redaction,
    UnsetVariableError,
    as_object,
    mismatch,
    resolve_pointer,
    substitute,
    variables_in,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .contract import Contract
    from .driver import Driver
    from .server import Server
    from .story import Step, Story

# How the name of every function begins that a story makes.
PREFIX = "stories-"
# The variables that every story is given, as far as the server's credentials are known.
GIVEN = frozenset({"access_token", "client_id", "client_secret"})


class StepError(Exception):
    """A step did not go as its story says; the message is one line, without secrets.

    Args:
        message: what is otherwise.
        rests_on: the statements that the expectation rests on and that are not documented; with one, the server may differ.
    """

    def __init__(self, message: str, rests_on: Sequence[Standing] = ()) -> None:
        super().__init__(message)
        self.rests_on = tuple(rests_on)


@dataclass(frozen=True)
class Reading:
    """What a server said to an expectation that is not documented.

    Attributes:
        standing: the statement that the expectation rests on.
        where: the story and the step.
        otherwise: how the answer differed, None where it was as expected.
    """

    standing: Standing
    where: str
    otherwise: str | None


@dataclass
class Outcome:
    """How a story went.

    Attributes:
        story: the story.
        skipped: why it was not run, None if it was.
        failures: a line for each step that failed; several if the clean-up failed too.
        readings: what the server said to expectations that are not documented.
        unmet: the steps whose answers were otherwise than read, and those that could not be taken because of it.
        seen: the operation and status of every answer that was as expected and not made up by a fault.
        requests: how many requests were made.
        seconds: how long it took.
    """

    story: Story
    skipped: str | None = None
    failures: list[str] = field(default_factory=list[str])
    readings: list[Reading] = field(default_factory=list[Reading])
    unmet: list[Step] = field(default_factory=list["Step"])
    seen: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    requests: int = 0
    seconds: float = 0.0


_REQUIRED = Standing("answers", "required", "inferred", "Which fields of an answer are always there is a reading.")


class Runner:
    """Runs stories against a server.

    Args:
        contract: the contract.
        server: the server.
        driver: makes the requests of the steps.
        direct: makes the requests of the clean-up, so that it does not depend on a language's client.
    """

    def __init__(self, contract: Contract, server: Server, driver: Driver, direct: Driver) -> None:
        self._contract = contract
        self._server = server
        self._driver = driver
        self._direct = direct
        self._redaction = Redaction(contract.secret_names)
        self._run = f"{PREFIX}{secrets.token_hex(4)}-"

    def skipped(self, story: Story) -> str | None:
        """Why a story cannot be run here, None if it can."""
        version = self._contract.version
        if not story.holds_for(version):
            return f"holds for other versions of the contract than {version}"
        if self._server.emulator is None:
            if story.emulator is not None:
                return f"needs an emulator: {story.emulator}"
            if any(step.fault is not None for step in story.steps):
                return "needs an emulator: a server has to be told to answer so"
        given = self._server.credentials()
        used = {
            name
            for step in story.steps
            for value in (dict(step.parameters), step.body, self._token(step))
            for name in variables_in(value)
        }
        missing = sorted(used & GIVEN - given.keys())
        return f"needs {' and '.join(name.upper() for name in missing)}" if missing else None

    def run(self, outcome: Outcome) -> None:
        """Run a story to its end.

        Args:
            outcome: the story, and where what comes of it is noted; an interruption too, after which the clean-up is done.
        """
        story = outcome.story
        outcome.skipped = self.skipped(story)
        if outcome.skipped is not None:
            return
        started = time.monotonic()
        credentials = self._server.credentials()
        for value in credentials.values():
            self._redaction.add(value)
        unique = {name: f"{self._run}{secrets.token_hex(2)}-{label}" for name, label in story.unique.items()}
        variables: dict[str, object] = {**credentials, **unique}
        for name, value in story.values.items():
            variables[name] = substitute(value, variables)
        try:
            for number, step in enumerate(story.steps, 1):
                where = f"step {number} ({step.title})"
                try:
                    self._step(step, variables, outcome, self._driver, where)
                except StepError as error:
                    if not error.rests_on or self._server.emulator is not None:  # an emulator keeps to every reading
                        outcome.failures.append(f"{story.path}: {where}: {error}")
                        break
                    outcome.readings += [Reading(each, f"{story.name}: {where}", str(error)) for each in error.rests_on]
                    outcome.unmet.append(step)
                    # What should have been made is not there, so that nothing more can be said of it.
                    if step.capture or self._makes(step):
                        outcome.unmet += story.steps[number:]
                        break
                except KeyboardInterrupt:
                    outcome.failures.append(f"{story.path}: step {number} ({step.title}): interrupted")
                    raise
        finally:
            for number, step in enumerate(story.cleanup, 1):
                try:
                    self._step(step, variables, outcome, self._direct, f"clean-up {number}", covering=False)
                except UnsetVariableError:
                    continue  # The step that would have made it was not reached.
                except StepError as error:
                    outcome.failures.append(f"{story.path}: clean-up {number} ({step.title}): {error}")
            outcome.seconds = time.monotonic() - started

    def _step(
        self,
        step: Step,
        variables: dict[str, object],
        outcome: Outcome,
        driver: Driver,
        where: str,
        *,
        covering: bool = True,
    ) -> None:
        request = Request(
            operation=step.operation,
            parameters=cast("dict[str, Any]", substitute(dict(step.parameters), variables)),
            body=substitute(step.body, variables),
            access_token=cast("str | None", substitute(self._token(step), variables)),
        )
        expected = substitute(step.expected, variables)
        for name in names_touched(request):
            if not name.startswith(self._run):
                raise StepError(f"the function {name[:80]!r} is not of this run: name it by a unique variable")
        times = step.retry.times if step.retry is not None else 1
        addresses = [str(substitute(address, variables)) for address in step.fetch]
        also = [(each.rests_on, substitute(each.expected, variables)) for each in step.also]
        for remaining in range(times - 1, -1, -1):
            answer = self._ask(step, request, addresses, outcome, driver)
            complaint = self._complaint(step, answer, expected)
            if step.retry is None or not remaining or complaint is None:
                break
            time.sleep(step.retry.seconds)
        else:  # pragma: no cover - the last round breaks
            raise AssertionError
        rests_on = self._undocumented(step)
        if complaint is not None:
            raise StepError(complaint if times == 1 else f"{complaint}, after {times} requests", rests_on)
        if covering and step.fault is None:
            where = f"{outcome.story.name}: {where}"
            outcome.readings += [Reading(each, where, None) for each in rests_on]
            for references, body in also:
                other = mismatch(body, answer.body, self._redaction.show)
                outcome.readings += [Reading(each, where, other) for each in self._named(references)]
                if other is not None and (self._server.emulator is not None or not self._named(references)):
                    raise StepError(other)
        for name, pointer in step.capture.items():
            value = resolve_pointer(answer.body, pointer)
            if value is ABSENT:
                raise StepError(f"body at {pointer}: expected a value to keep as {name}, got nothing")
            variables[name] = value
        if covering and step.fault is None:
            outcome.seen.update((step.operation, status) for status in (*answer.redirects, answer.status))

    def _makes(self, step: Step) -> bool:
        """Whether a step should have made or changed something that later ones go on from."""
        operation = self._contract.operations.get(step.operation)
        changes = operation is not None and operation.method != "GET"
        return changes and any(status < HTTPStatus.MULTIPLE_CHOICES for status in step.statuses)

    def _undocumented(self, step: Step) -> list[Standing]:
        """The statements that a step's status and body rest on, but for those that are documented."""
        expected = (*step.redirects, *step.statuses)
        return [*self._contract.standings.of_statuses(step.operation, expected), *self._named(step.rests_on)]

    def _named(self, references: Sequence[str]) -> list[Standing]:
        found = (self._contract.standings.find(reference) for reference in references)
        return [standing for standing in found if standing is not None and standing.standing != DOCUMENTED]

    def _ask(self, step: Step, request: Request, addresses: Sequence[str], outcome: Outcome, driver: Driver) -> Answer:
        outcome.requests += len(addresses) or 1
        emulator = self._server.emulator
        # A server that cannot be told is never asked: see `skipped`.
        if step.fault is not None and emulator is not None:
            body = json.dumps(step.fault.body, ensure_ascii=False).encode()
            emulator.fail_next(step.fault.status, body=body, headers={"Content-Type": "application/json"})
        try:
            answer = read_addresses(addresses) if addresses else driver.send(request)
        except NoAnswerError as error:
            raise StepError(f"no answer: {self._redaction.clean(str(error))}") from error
        finally:
            if emulator is not None:
                emulator.clear_faults()
        self._redaction.add_from(answer.body)
        if answer.exchange is not None:
            problem = self._contract.request_problem(answer.exchange, self._contract.operations[step.operation])
            if problem is not None and not step.breaks_contract:
                raise StepError(f"the request breaks the contract: {self._redaction.clean(problem)}")
            if problem is None and step.breaks_contract:
                raise StepError("the contract allows the request: take `breaks_contract` away")
        return answer

    def _complaint(self, step: Step, answer: Answer, expected: object) -> str | None:
        """What is not as expected of an answer, which may be otherwise when asked again.

        Raises:
            StepError: If an answer of the right status breaks the contract, which asking again does not mend.
        """
        if answer.status not in step.statuses:
            wanted = " or ".join(map(str, step.statuses))
            body = "" if answer.body is ABSENT else f" with {self._redaction.show(answer.body)}"
            return f"status: expected {wanted}, got {answer.status}{body}"
        if step.redirects and answer.exchange is not None and answer.redirects != step.redirects:
            return f"redirects: expected {_listed(step.redirects)}, got {_listed(answer.redirects)}"
        if answer.exchange is not None and (problem := self._contract.answer_problem(answer.exchange)) is not None:
            # The documentation does not say which fields are always there: see the entries about `required`.
            required = [_REQUIRED] if "is a required property" in problem else []
            raise StepError(
                f"the answer {answer.status} breaks the contract: {self._redaction.clean(problem)}", required
            )
        return None if expected is ABSENT else mismatch(expected, answer.body, self._redaction.show)

    def _token(self, step: Step) -> str | None:
        """The variable of the token that a step sends: the usual one where the operation needs a token."""
        if step.access_token is not ABSENT:
            return step.access_token
        operation = self._contract.operations.get(step.operation)
        return "${access_token}" if operation is not None and operation.secured else None


def _listed(statuses: tuple[int, ...]) -> str:
    return ", ".join(map(str, statuses)) or "none"


def names_touched(request: Request | Step) -> list[str]:
    """The functions that a request names: in its path, or in its body as the one to call or the new name."""
    fields = as_object(request.body) or {}
    given = [request.parameters.get("function_name"), fields.get("function_name"), fields.get("name")]
    return [name for name in given if isinstance(name, str) and name]
