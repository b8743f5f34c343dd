"""Runs the stories of the contract against an emulator, or against the server at BASE_URL.

    python -m scripts.stories
    BASE_URL=https://… ACCESS_TOKEN=… python -m scripts.stories
    python -m scripts.stories --driver typescript -- node driver.js

CLIENT_ID and CLIENT_SECRET let the stories of the token operations run on another server too. The exit status is 0 when
every story went as it says and all of the contract was exercised, 1 when not, and 2 when they could not be run.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn, cast

from scripts import ScriptError
from scripts.contract.document import read_valid

from .contract import Contract
from .rules import read_checked_stories
from .runner import Finding, Outcome, run_stories
from .server import open_server
from .story import STORIES, Story


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"stories: {message}; --help lists the options\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    options = _options(arguments)
    try:
        contract = Contract(read_valid())
        stories = _chosen(read_checked_stories(contract, options.stories), options)
        return _run(contract, stories, options)
    except ScriptError as error:
        _print_errors(str(error))
        return 2


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(
        prog="python -m scripts.stories",
        description=(__doc__ or "").partition("\n")[0],
        epilog="BASE_URL is the server, ACCESS_TOKEN its token, CLIENT_ID and CLIENT_SECRET its application; see openapi/README.md.",
        allow_abbrev=False,
    )
    parser.add_argument("--stories", type=Path, default=STORIES, help="where the stories are", metavar="FOLDER")
    parser.add_argument(
        "--requests-per-minute", type=int, help="make no more than these (default: as many as come)", metavar="N"
    )
    parser.add_argument("--story", action="append", default=[], help="only this one; may be repeated", metavar="NAME")
    parser.add_argument("--driver", help="have a program make the requests of the stories for all languages")
    parser.add_argument("command", nargs="*", help="after --driver NAME --, the program and its arguments")
    options = parser.parse_args(arguments)
    if options.requests_per_minute is not None and options.requests_per_minute < 1:
        parser.error("--requests-per-minute is 1 or more")
    if bool(options.driver) != bool(options.command):
        parser.error("give a driver's name and its command together, as --driver NAME -- COMMAND [ARGUMENT ...]")
    return options


def _chosen(stories: Sequence[Story], options: argparse.Namespace) -> list[Story]:
    if unknown := sorted(set(options.story) - {story.name for story in stories}):
        lines = (f"there is no story {name}; the name is the file's, without .yaml" for name in unknown)
        raise ScriptError("\n".join(lines))
    named = [story for story in stories if not options.story or story.name in options.story]
    return [story for story in named if story.languages or not options.driver]


def _run(contract: Contract, stories: Sequence[Story], options: argparse.Namespace) -> int:
    print(f"contract {contract.version}, {_counted(stories)}, {options.driver or 'HTTP'}")
    interval = 60 / options.requests_per_minute if options.requests_per_minute else 0.0
    outcomes: list[Outcome] = []
    try:
        with open_server(contract, os.environ) as server:
            print(f"{server.url}, an emulator of this run" if server.emulator else server.url)
            for outcome in run_stories(contract, stories, server, command=options.command, interval=interval):
                outcomes.append(outcome)
                _print_outcome(outcome)
    except ScriptError as error:
        if not outcomes:
            raise
        _conclude(contract, outcomes, options)
        _print_errors(str(error))
        return 1
    return _conclude(contract, outcomes, options)


def _print_outcome(outcome: Outcome) -> None:
    story = outcome.story
    if outcome.skipped is not None:
        print(f"skipped  {story.name}: {outcome.skipped}")
    elif outcome.failures:
        print(f"FAILED   {story.name}: {story.story}")
        for line in outcome.failures:
            print(f"         {line}")
    else:
        differs = any(finding.difference is not None for finding in outcome.findings)
        figures = f"({outcome.requests} requests, {outcome.seconds:.2f} s)"
        print(f"{'differs' if differs else 'passed':8} {story.name}: {story.story} {figures}")


def _conclude(contract: Contract, outcomes: Sequence[Outcome], options: argparse.Namespace) -> int:
    """Prints the results; returns 0, or 1 with a line for each complaint."""
    failed = [outcome.story for outcome in outcomes if outcome.failures]
    skipped = [outcome.story for outcome in outcomes if outcome.skipped is not None]
    complaints: list[str] = []
    if failed:
        complaints.append(f"{len(failed)} of {_counted(outcomes)} failed: {', '.join(story.name for story in failed)}")
    if len(skipped) == len(outcomes):
        complaints.append("no story was run")
    if not options.driver and not options.story:
        table, missing = measure(contract, outcomes)
        print("\n".join(["\nHow many stories met each documented status:\n", *table]))
        if missing:
            complaints.append(f"no story met {', '.join(missing)}")
    if os.environ.get("BASE_URL"):
        _print_findings([finding for outcome in outcomes for finding in outcome.findings])
    passed = [outcome for outcome in outcomes if not outcome.failures and outcome.skipped is None]
    seconds = sum(outcome.seconds for outcome in outcomes)
    print(f"{_counted(passed)} passed, {len(failed)} failed, {len(skipped)} skipped, in {seconds:.1f} s")
    if skipped:
        print(f"not run: {', '.join(story.name for story in skipped)}")
    _print_errors(*complaints)
    return 1 if complaints else 0


def measure(contract: Contract, outcomes: Sequence[Outcome]) -> tuple[list[str], list[str]]:
    """Counts the stories that met each documented status.

    Returns:
        A table of them with the coverage in its last line, and the statuses that no story met though nothing kept one
        from it. In the table `-` is a status that is not documented, and `n/a` one that could not be met here.
    """
    documented = [(name, status) for name, operation in contract.operations.items() for status in operation.statuses]
    counts = {pair: sum(pair in outcome.seen for outcome in outcomes) for pair in documented}
    kept_from = {
        (step.operation, status)
        for outcome in outcomes
        for step in (outcome.story.steps if outcome.skipped is not None else outcome.unmet)
        if not step.fault
        for status in step.all_statuses
    }
    excused = {pair for pair in kept_from if not counts.get(pair, 1)}
    statuses = sorted({status for _, status in documented})
    width = max(map(len, contract.operations))
    lines = [f"{'operation':{width}}  " + "  ".join(map(str, statuses))]
    for name in contract.operations:
        pairs = [(name, status) for status in statuses]
        cells = ["n/a" if pair in excused else counts.get(pair, "-") for pair in pairs]
        lines.append(f"{name:{width}}  " + "  ".join(f"{cell:>3}" for cell in cells))
    met = [pair for pair in documented if counts[pair]]
    operations = f"{len({name for name, _ in met})} of {len(contract.operations)} operations"
    not_here = f", {len(excused)} could not be met here" if excused else ""
    lines += ["", f"coverage: {operations}, {len(met)} of {len(documented)} documented statuses{not_here}"]
    return lines, [f"{name} {status}" for name, status in documented if (name, status) not in excused.union(met)]


def _print_findings(findings: Sequence[Finding]) -> None:
    """Prints for each statement that is not documented whether the server confirmed it, and how many expectations it did not."""
    if not findings:
        return
    print("\nWhat the contract has not from the documentation, and what the server said to it:\n")
    differing = [finding for finding in findings if finding.difference is not None]
    for statement in sorted({finding.statement for finding in findings}, key=lambda one: (one.standing, one.sentence)):
        refuted = [finding for finding in differing if finding.statement == statement]
        print(f"{'refuted' if refuted else 'confirmed':9}  {statement.standing}: {statement.sentence}")
        for finding in refuted:
            print(f"           {finding.where}: {finding.difference}")
    # A step may rest on several statements, and is one expectation.
    standings = list({(one.where, one.difference): one.statement.standing for one in differing}.values())
    words = {"inferred": "inferred", "observed": "observed", "contradiction": "contradictory"}
    counts = [f"{standings.count(kind)} {word}" for kind, word in words.items() if kind in standings]
    plural = " was" if len(standings) == 1 else "s were"
    print(f"\n{', '.join(counts) or '0 inferred'} expectation{plural} not shared by this server")


def _counted(stories: Sequence[object]) -> str:
    return "1 story" if len(stories) == 1 else f"{len(stories)} stories"


def _print_errors(*lines: str) -> None:
    for line in "\n".join(lines).splitlines():
        print(f"stories: {line}", file=sys.stderr)


if __name__ == "__main__":
    # As Ctrl-C does it: the clean-up of the running story is done on the way out.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # So that each line keeps its place among what a driver or this program prints as an error.
    cast("TextIOWrapper", sys.stdout).reconfigure(line_buffering=True)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        _print_errors("interrupted")
        sys.exit(130)
