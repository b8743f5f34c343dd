"""Checks stories beyond their schema: they have to fit the contract, and delete what they create."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from scripts import ScriptError

from .contract import Contract, Operation
from .derived import derived_stories
from .story import GIVEN, STORIES, Step, Story, read_stories
from .values import ABSENT, variables_in


def read_checked_stories(contract: Contract, folder: Path = STORIES) -> list[Story]:
    """Reads the stories of a folder, and checks those that hold for the contract against it.

    Raises:
        ScriptError: One cannot be read, is not as the schema has it, or does not fit the contract; a line for each problem.
    """
    stories = read_stories(folder)
    if folder == STORIES:
        stories = sorted([*stories, *derived_stories(contract)], key=lambda story: story.name)
    problems = [
        f"{story.path}: {problem}"
        for story in stories
        if story.holds_for(contract.version)
        for problem in (*_variable_problems(story), *_step_problems(story, contract), *_never_deleted(story))
    ]
    if problems:
        raise ScriptError("\n".join(problems))
    return stories


def _labelled_steps(story: Story) -> Iterator[tuple[str, Step]]:
    """Each step with its name in messages."""
    yield from ((f"step {number}", step) for number, step in enumerate(story.steps, 1))
    yield from ((f"clean-up {number}", step) for number, step in enumerate(story.cleanup, 1))


def _variable_problems(story: Story) -> Iterator[str]:
    own = set(story.variables)
    captured = {name for _, step in _labelled_steps(story) for name in step.capture}
    for name in sorted((own & GIVEN) | (captured & (GIVEN | own))):
        yield f"the variable {name} has a value already; choose another name"
    places = [(f"variables > {name}", variables_in(value), [name]) for name, value in story.values.items()]
    places += [(label, step.variables, list(step.capture)) for label, step in _labelled_steps(story)]
    known, used = GIVEN | story.unique.keys(), set[str]()
    for label, needed, made in places:
        for name in needed:
            if name not in known:
                yield f"{label}: ${{{name}}} has no value here; give it under `variables`, or capture it in an earlier step"
        known |= set(made)
        used |= set(needed)
    for name in sorted((own | captured) - used):
        yield f"the variable {name} is never used; take it away"


def _step_problems(story: Story, contract: Contract) -> Iterator[str]:
    unique = tuple(f"${{{name}}}" for name in story.unique)
    for label, step in _labelled_steps(story):
        for reference in (*step.rests_on, *(each for one in step.also for each in one["rests_on"])):
            if contract.statement(reference) is None:
                yield f"{label}: the contract says nothing of {reference!r}; name a place and an `about` of its x-provenance"
        if step.fetch:
            continue
        operation = contract.operations.get(step.operation)
        if operation is None:
            yield f"{label}: the contract has no operation {step.operation}; name one of its operationIds"
            continue
        yield from (f"{label}: {problem}" for problem in _operation_problems(step, operation))
        if label.startswith("clean-up") and (step.fault or step.retry or step.breaks_contract):
            yield f"{label}: take `fault`, `retry` and `breaks_contract` out of the clean-up"
        if story.languages and step.breaks_contract:
            yield f"{label}: a language's client cannot break the contract; take `languages` or this step away"
        for name in step.functions:
            if not name.startswith(unique):
                yield f"{label}: the function {name!r} is not named by a unique variable of the story"


def _operation_problems(step: Step, operation: Operation) -> Iterator[str]:
    for name in step.parameters:
        if name not in operation.parameters:
            yield f"{operation.name} has no parameter {name}; it has {', '.join(operation.parameters) or 'none'}"
    for name, place in operation.parameters.items():
        if place == "path" and name not in step.parameters:
            yield f"{operation.name} needs the parameter {name}; give it"
    if operation.body_fields is None:
        if step.body is not ABSENT:
            yield f"{operation.name} takes no body; take `body` away"
    elif step.body is ABSENT and not step.breaks_contract:
        yield f"{operation.name} needs a body; give `body`"
    elif isinstance(step.body, dict):
        # The contract lets fields pass that it does not know; in a story one is a mistake.
        for name in step.body:
            if name not in operation.body_fields:
                yield f"{operation.name} has no field {name} in its body; it has {', '.join(operation.body_fields)}"
    if step.retry is not None and operation.method != "GET":
        yield f"{operation.name} changes something and must not be repeated; take `retry` away"
    for status in step.all_statuses:
        if status not in operation.statuses:
            yield f"{operation.name} has no status {status}; it has {', '.join(map(str, operation.statuses))}"


def _never_deleted(story: Story) -> Iterator[str]:
    """Names that a function may have in the end, for which the clean-up has no deletion."""
    deleted = [step.parameters.get("function_name") for step in story.cleanup if step.operation == "deleteFunction"]
    for step in story.steps:
        if step.operation in ("createFunction", "updateFunction") and isinstance(step.body, dict):
            name = step.body.get("name")
            if name and isinstance(name, str) and name not in deleted:
                yield f"nothing deletes the function {name!r} in the end; add a deleteFunction to `cleanup`"
