"""Runs stories: the steps of each in order, then its clean-up, after a failure too."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from .contract import Contract, Statement
from .driver import Driver, HttpDriver, NoResponseError, ProcessDriver, Response, fetch_texts
from .server import Server
from .story import GIVEN, Step, Story, with_tokens
from .values import ABSENT, Redaction, mismatch, resolve_pointer, substitute

# The beginning of the name of every function that a story creates.
PREFIX = "stories-"
_REQUIRED = Statement("answers", "required", "inferred", "Which fields of an answer are always there is a reading.")


class StepError(Exception):
    """A step did not go as its story says, in one line without secrets, and the statements behind it that are not documented."""

    def __init__(self, message: str, rests_on: Sequence[Statement] = ()) -> None:
        super().__init__(message)
        self.rests_on = rests_on


@dataclass(frozen=True)
class Finding:
    """Whether a server meets an expectation that rests on a statement which is not documented: None, or the difference."""

    statement: Statement
    where: str
    difference: str | None


@dataclass
class Outcome:
    """The outcome of a story.

    Attributes:
        story: The story.
        skipped: Why it was not run, None if it was.
        failures: A line for each step that failed; several if the clean-up failed too.
        findings: Whether the server met each expectation that is not documented.
        unmet: The steps whose response differed from an inferred one, and those that were not run because of it.
        seen: The operation and status of every response that was as expected and did not come from a fault.
        requests: How many requests were made.
        seconds: How long it took.
    """

    story: Story
    skipped: str | None = None
    failures: list[str] = field(default_factory=list[str])
    findings: list[Finding] = field(default_factory=list[Finding])
    unmet: list[Step] = field(default_factory=list["Step"])
    seen: set[tuple[str, int]] = field(default_factory=set[tuple[str, int]])
    requests: int = 0
    seconds: float = 0.0


def run_stories(
    contract: Contract,
    stories: Iterable[Story],
    server: Server,
    *,
    command: Sequence[str] = (),
    folder: Path | None = None,
    interval: float = 0.0,
) -> Iterator[Outcome]:
    """Runs stories one after the other, and gives the outcome of each; of one that is interrupted too.

    A `command` sends the requests of the steps, in its folder; without one they are sent by HTTP, at least `interval` seconds apart.

    Raises:
        ScriptError: The program cannot be started or does not end as it should.
    """
    redaction, prefix = Redaction(contract.secret_names), f"{PREFIX}{secrets.token_hex(4)}-"
    with ExitStack() as stack:
        http = HttpDriver(server.url, contract, trust_env=server.emulator is None, interval=interval)
        direct = stack.enter_context(closing(http))
        driver = stack.enter_context(closing(ProcessDriver(command, folder, server.url))) if command else direct
        for story in stories:
            outcome = Outcome(with_tokens(story, contract))
            try:
                _StoryRun(contract, server, driver, direct, redaction, prefix, outcome).run()
            except KeyboardInterrupt:
                yield outcome
                raise
            yield outcome


@dataclass
class _StoryRun:
    """A run of a story; `direct` sends its clean-up by HTTP, since a language's client may be broken."""

    contract: Contract
    server: Server
    driver: Driver
    direct: Driver
    redaction: Redaction
    prefix: str
    outcome: Outcome
    variables: dict[str, Any] = field(default_factory=dict[str, Any])

    def run(self) -> None:
        """Runs the steps until one fails or is interrupted, then the clean-up."""
        story, outcome = self.outcome.story, self.outcome
        self.variables |= self.server.credentials()
        outcome.skipped = self._reason_to_skip()
        if outcome.skipped is not None:
            return
        started = time.monotonic()
        for value in self.variables.values():
            self.redaction.add(value)
        for name, label in story.unique.items():
            self.variables[name] = f"{self.prefix}{secrets.token_hex(2)}-{label}"
        for name, value in story.values.items():
            self.variables[name] = substitute(value, self.variables)
        try:
            for number, step in enumerate(story.steps, 1):
                where = f"step {number} ({step.step})"
                try:
                    self._run_step(step.filled(self.variables), f"{story.name}: {where}")
                except KeyboardInterrupt:
                    outcome.failures.append(f"{story.path}: {where}: interrupted")
                    raise
                except StepError as error:
                    if not self._may_differ(error.rests_on):
                        outcome.failures.append(f"{story.path}: {where}: {error}")
                        break
                    outcome.findings += [Finding(each, f"{story.name}: {where}", str(error)) for each in error.rests_on]
                    outcome.unmet.append(step)
                    # What later steps need was not created, so they would say nothing about the server.
                    changes = step.operation and self.contract.operations[step.operation].method != "GET"
                    succeeds = any(status < HTTPStatus.MULTIPLE_CHOICES for status in step.statuses)
                    if step.capture or (changes and succeeds):
                        outcome.unmet += story.steps[number:]
                        break
        finally:
            for number, step in enumerate(story.cleanup, 1):
                if not self.variables.keys() >= set(step.variables):
                    continue  # the step that would have captured one was not reached
                try:
                    self._expected_response(step.filled(self.variables), self.direct)
                except StepError as error:
                    outcome.failures.append(f"{story.path}: clean-up {number} ({step.step}): {error}")
            outcome.seconds = time.monotonic() - started

    def _reason_to_skip(self) -> str | None:
        story = self.outcome.story
        if not story.holds_for(self.contract.version):
            return f"holds for other versions of the contract than {self.contract.version}"
        if self.server.emulator is None:
            if story.emulator is not None:
                return f"needs an emulator: {story.emulator}"
            if any(step.fault for step in story.steps):
                return "needs an emulator: it has a `fault`"
        needed = {name for step in story.steps for name in step.variables}
        missing = sorted((needed & GIVEN) - self.variables.keys())
        return f"needs {' and '.join(name.upper() for name in missing)}" if missing else None

    def _may_differ(self, rests_on: Sequence[Statement]) -> bool:
        """Whether the server may answer otherwise: an emulator keeps to every reading."""
        return bool(rests_on) and self.server.emulator is None

    def _run_step(self, step: Step, where: str) -> None:
        """Runs a step, and records its findings and its status."""
        response = self._expected_response(step, self.driver)
        if step.fault:
            return
        self.outcome.findings += [Finding(each, where, None) for each in self._rests_on(step)]
        for other in step.also:
            difference = mismatch(other["body"], response.body, self.redaction.show)
            rests_on = self.contract.undocumented(other["rests_on"])
            self.outcome.findings += [Finding(each, where, difference) for each in rests_on]
            if difference is not None and not self._may_differ(rests_on):
                raise StepError(difference)
        self.outcome.seen.update((step.operation, status) for status in (*response.redirects, response.status))

    def _rests_on(self, step: Step) -> list[Statement]:
        """The statements that a step's status and body rest on, but for those that are documented."""
        return self.contract.undocumented(step.rests_on, step.operation, step.all_statuses)

    def _expected_response(self, step: Step, driver: Driver) -> Response:
        """Sends a step's request until the response is as expected, captures its values, and returns it."""
        for name in step.functions:
            if not name.startswith(self.prefix):
                raise StepError(f"the function {name[:80]!r} is not of this run: name it by a unique variable")
        retry, requests = step.retry or {"times": 1}, 1
        while complaint := self._complaint(step, response := self._send(step, driver)):
            if requests == retry["times"]:
                after = f", after {requests} requests" if requests > 1 else ""
                raise StepError(f"{complaint}{after}", self._rests_on(step))
            time.sleep(retry["seconds"])
            requests += 1
        for name, pointer in step.capture.items():
            self.variables[name] = resolve_pointer(response.body, pointer)
            if self.variables[name] is ABSENT:
                raise StepError(f"body at {pointer}: expected a value to keep as {name}, got nothing")
        return response

    def _send(self, step: Step, driver: Driver) -> Response:
        """Sends a request once, and validates it: it has to be valid, unless its step breaks the contract."""
        self.outcome.requests += len(step.fetch) or 1
        emulator = self.server.emulator
        # On another server a story with a fault is skipped.
        if step.fault and emulator is not None:
            body = json.dumps(step.fault["body"], ensure_ascii=False).encode()
            emulator.fail_next(step.fault["status"], body=body, headers={"Content-Type": "application/json"})
        try:
            response = fetch_texts(step.fetch) if step.fetch else driver.send(step)
        except NoResponseError as error:
            raise StepError(f"no answer: {self.redaction.clean(str(error))}") from error
        finally:
            if emulator is not None:
                emulator.clear_faults()
        self.redaction.add_from(response.body)
        if response.exchange is not None:
            problem = self.contract.request_problem(response.exchange, self.contract.operations[step.operation])
            if problem is not None and not step.breaks_contract:
                raise StepError(f"the request breaks the contract: {self.redaction.clean(problem)}")
            if problem is None and step.breaks_contract:
                raise StepError("the contract allows the request: take `breaks_contract` away")
        return response

    def _complaint(self, step: Step, response: Response) -> str | None:
        """Describes what is not as expected of a response; asking again may mend it.

        Raises:
            StepError: A response of the right status breaks the contract, which asking again does not mend.
        """
        if response.status not in step.statuses:
            wanted = " or ".join(map(str, step.statuses))
            body = "" if response.body is ABSENT else f" with {self.redaction.show(response.body)}"
            return f"status: expected {wanted}, got {response.status}{body}"
        if response.exchange is not None:
            redirects = step.expect.get("redirects", response.redirects)
            if redirects != response.redirects:
                return f"redirects: expected {_listed(redirects)}, got {_listed(response.redirects)}"
            if problem := self.contract.response_problem(response.exchange):
                # The documentation does not say which fields are always there: see the entries about `required`.
                required = [_REQUIRED] if "is a required property" in problem else []
                problem = self.redaction.clean(problem)
                raise StepError(f"the answer {response.status} breaks the contract: {problem}", required)
        if "body" not in step.expect:
            return None
        return mismatch(step.expect["body"], response.body, self.redaction.show)


def _listed(statuses: Sequence[int]) -> str:
    return ", ".join(map(str, statuses)) or "none"
