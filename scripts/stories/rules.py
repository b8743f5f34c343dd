"""What a story has to be beyond its schema: it fits the contract, and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .runner import GIVEN, names_touched
from .values import ABSENT, as_object, variables_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .contract import Contract, Operation
    from .story import Step, Story


def problems(stories: Sequence[Story], contract: Contract) -> list[str]:
    """What is wrong with the stories, a line each; of a story for other versions of the contract nothing."""
    return [
        f"{story.path}: {problem}"
        for story in stories
        if story.holds_for(contract.version)
        for problem in _problems(story, contract)
    ]


def _problems(story: Story, contract: Contract) -> Iterator[str]:
    yield from _variable_problems(story)
    for kind, steps in (("step", story.steps), ("clean-up", story.cleanup)):
        for number, step in enumerate(steps, 1):
            for reference in (*step.rests_on, *(each for one in step.also for each in one.rests_on)):
                if contract.standings.find(reference) is None:
                    yield f"{kind} {number}: the contract says nothing of {reference!r}; name a place and an `about` of its x-provenance"
            if step.fetch:
                continue
            operation = contract.operations.get(step.operation)
            if operation is None:
                yield f"{kind} {number}: the contract has no operation {step.operation}; name one of its operationIds"
                continue
            found = [*_request_problems(step, operation), *_answer_problems(step, operation)]
            if kind == "clean-up" and (step.fault or step.retry or step.breaks_contract):
                found.append("take `fault`, `retry` and `breaks_contract` out of the clean-up")
            if story.languages and step.breaks_contract:
                found.append("a language's client cannot break the contract; take `languages` or this step away")
            found += [
                f"the function {name!r} is not named by a unique variable of the story"
                for name in names_touched(step)
                if not any(name.startswith(f"${{{variable}}}") for variable in story.unique)
            ]
            yield from (f"{kind} {number}: {problem}" for problem in found)
    yield from _left_behind(story)


def _variable_problems(story: Story) -> Iterator[str]:
    own = {*story.unique, *story.values}
    captured = [name for step in (*story.steps, *story.cleanup) for name in step.capture]
    for name in sorted(own.intersection(GIVEN) | set(captured).intersection({*GIVEN, *own})):
        yield f"the variable {name} has a value already; choose another name"
    known = {*GIVEN, *story.unique}
    for name, value in story.values.items():
        yield from (f"variables > {name}: {problem}" for problem in _unknown(value, known))
        known.add(name)
    for number, step in enumerate(story.steps, 1):
        yield from (f"step {number}: {problem}" for problem in _unknown(_texts(step), known))
        known |= step.capture.keys()
    for number, step in enumerate(story.cleanup, 1):
        yield from (f"clean-up {number}: {problem}" for problem in _unknown(_texts(step), known))
    used = {name for step in (*story.steps, *story.cleanup) for name in variables_in(_texts(step))}
    used |= {name for value in story.values.values() for name in variables_in(value)}
    for name in sorted({*own, *captured} - used):
        yield f"the variable {name} is never used; take it away"


def _unknown(value: object, known: set[str]) -> Iterator[str]:
    for name in dict.fromkeys(variables_in(value)):
        if name not in known:
            yield f"${{{name}}} has no value here; give it under `variables`, or capture it in an earlier step"


def _texts(step: Step) -> list[Any]:
    also = [each.expected for each in step.also]
    return [dict(step.parameters), step.body, step.access_token, step.expected, list(step.fetch), also]


def _request_problems(step: Step, operation: Operation) -> Iterator[str]:
    for name in step.parameters:
        if name not in operation.parameters:
            yield f"{operation.name} has no parameter {name}; it has {', '.join(operation.parameters) or 'none'}"
    for name, place in operation.parameters.items():
        if place == "path" and name not in step.parameters:
            yield f"{operation.name} needs the parameter {name}; give it"
    if step.body is not ABSENT and operation.body_fields is None:
        yield f"{operation.name} takes no body; take `body` away"
    if step.body is ABSENT and operation.body_fields is not None and not step.breaks_contract:
        yield f"{operation.name} needs a body; give `body`"
    # The contract lets fields pass that it does not know; in a story one is a slip.
    if operation.body_fields is not None:
        for name in as_object(step.body) or ():
            if name not in operation.body_fields:
                yield f"{operation.name} has no field {name} in its body; it has {', '.join(sorted(operation.body_fields))}"
    if step.retry is not None and operation.method != "GET":
        yield f"{operation.name} changes something and must not be repeated; take `retry` away"


def _answer_problems(step: Step, operation: Operation) -> Iterator[str]:
    for status in (*step.redirects, *step.statuses):
        if status not in operation.statuses:
            documented = ", ".join(map(str, operation.statuses))
            yield f"{operation.name} has no status {status}; it has {documented}"


def _left_behind(story: Story) -> Iterator[str]:
    """Names that a function may get, and that the clean-up deletes nothing by."""
    deleted = {step.parameters.get("function_name") for step in story.cleanup if step.operation == "deleteFunction"}
    for step in story.steps:
        if step.operation not in ("createFunction", "updateFunction"):
            continue
        name = (as_object(step.body) or {}).get("name")
        if isinstance(name, str) and name and name not in deleted:
            yield f"nothing deletes the function {name!r} in the end; add a deleteFunction to `cleanup`"
