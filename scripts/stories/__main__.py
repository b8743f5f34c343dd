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
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from scripts import ScriptError
from scripts.contract.document import CONTRACT

from .coverage import measure
from .session import read_checked_stories, read_contract, run_stories
from .story import STORIES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from .contract import Contract
    from .runner import Outcome
    from .story import Story


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"stories: {message}; --help lists the options\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    command: list[str] | None = None
    if "--" in given:
        given, command = given[: given.index("--")], given[given.index("--") + 1 :]
    parser = _parser()
    options = parser.parse_args(given)
    driver: str | None = options.driver
    if options.requests_per_minute is not None and options.requests_per_minute < 1:
        parser.error("--requests-per-minute is 1 or more")
    if (driver is None) != (not command):
        parser.error("give a driver's name and its command together, as --driver NAME -- COMMAND [ARGUMENT ...]")
    outcomes: list[Outcome] = []

    def report(outcome: Outcome) -> None:
        outcomes.append(outcome)
        _print_outcome(outcome)

    try:
        contract = read_contract(options.contract)
        stories = _chosen(read_checked_stories(contract, options.stories), options.story, only_languages=bool(driver))
    except ScriptError as error:
        return _refuse(error)
    failed: ScriptError | None = None
    _print(f"contract {contract.version}, {_counted(len(stories))}, {driver or 'HTTP'}")
    try:
        run_stories(
            contract,
            stories,
            base_url=options.base_url or None,
            environment=os.environ,
            command=command,
            folder=options.driver_folder,
            interval=60 / options.requests_per_minute if options.requests_per_minute else 0.0,
            begin=lambda url: _print(url if options.base_url else f"{url}, an emulator of this run"),
            report=report,
        )
    except ScriptError as error:
        if not outcomes:
            return _refuse(error)
        failed = error
    whole = driver is None and not options.story
    status = _conclude(contract, outcomes, whole=whole, other_server=bool(options.base_url))
    if failed is not None:
        _refuse(failed)
        return 1
    return status


def _refuse(error: ScriptError) -> int:
    for line in str(error).splitlines():
        _print_error(line)
    return 2


def _parser() -> _Parser:
    parser = _Parser(
        prog="python -m scripts.stories",
        description=(__doc__ or "").partition("\n")[0],
        epilog="The access token is taken from ACCESS_TOKEN, the application from CLIENT_ID and CLIENT_SECRET.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--base-url",
        default=os.environ.get("BASE_URL"),
        help="the server (default: BASE_URL, and an emulator without it)",
        metavar="URL",
    )
    parser.add_argument("--contract", type=Path, default=CONTRACT, help="the contract", metavar="FILE")
    parser.add_argument("--stories", type=Path, default=STORIES, help="where the stories are", metavar="FOLDER")
    parser.add_argument(
        "--requests-per-minute", type=int, help="make no more than these (default: as many as come)", metavar="N"
    )
    parser.add_argument("--story", action="append", default=[], help="only this one; may be repeated", metavar="NAME")
    parser.add_argument(
        "--driver", help="have a program make the requests of the stories for all languages: --driver NAME -- COMMAND"
    )
    parser.add_argument("--driver-folder", type=Path, default=Path(), help="the program's folder", metavar="FOLDER")
    return parser


def _chosen(stories: Sequence[Story], names: Sequence[str], *, only_languages: bool) -> list[Story]:
    if unknown := sorted(set(names) - {story.name for story in stories}):
        raise ScriptError(
            "\n".join(f"there is no story {name}; the name is the file's, without .yaml" for name in unknown)
        )
    return [
        story for story in stories if (not names or story.name in names) and (story.languages or not only_languages)
    ]


def _print_outcome(outcome: Outcome) -> None:
    story = outcome.story
    if outcome.skipped is not None:
        _print(f"skipped  {story.name}: {outcome.skipped}")
    elif outcome.failures:
        _print(f"FAILED   {story.name}: {story.title}")
        for line in outcome.failures:
            _print(f"         {line}")
    else:
        differs = any(reading.otherwise is not None for reading in outcome.readings)
        _print(
            f"{'differs' if differs else 'passed':8} {story.name}: {story.title} ({outcome.requests} requests, {outcome.seconds:.2f} s)"
        )


def _conclude(contract: Contract, outcomes: Sequence[Outcome], *, whole: bool, other_server: bool) -> int:
    failed = [outcome for outcome in outcomes if outcome.failures]
    skipped = [outcome for outcome in outcomes if outcome.skipped is not None]
    complaints: list[str] = []
    if failed:
        complaints.append(f"{len(failed)} of {_counted(len(outcomes))} failed: {_names(failed)}")
    if len(skipped) == len(outcomes):
        complaints.append("no story was run")
    if whole:
        coverage = measure(contract, outcomes)
        _print("\nHow many stories met each documented status:\n")
        _print("\n".join(coverage.table()))
        _print(f"\n{coverage.line}")
        if coverage.missing:
            missing = ", ".join(f"{operation} {status}" for operation, status in coverage.missing)
            complaints.append(f"no story met {missing}")
    if other_server:
        _report_readings(outcomes)
    passed = len(outcomes) - len(failed) - len(skipped)
    seconds = sum(outcome.seconds for outcome in outcomes)
    _print(f"{_counted(passed)} passed, {len(failed)} failed, {len(skipped)} skipped, in {seconds:.1f} s")
    if skipped:
        _print(f"not run: {_names(skipped)}")
    for line in complaints:
        _print_error(line)
    return 1 if complaints else 0


def _report_readings(outcomes: Sequence[Outcome]) -> None:
    """Says of each expectation that is not documented whether the server shared it, and counts those that it did not."""
    readings = [reading for outcome in outcomes for reading in outcome.readings]
    if not readings:
        return
    _print("\nWhat the contract has not from the documentation, and what the server said to it:\n")
    for standing in sorted({reading.standing for reading in readings}, key=lambda one: (one.standing, one.sentence)):
        differing = [one for one in readings if one.standing == standing and one.otherwise is not None]
        _print(f"{'refuted' if differing else 'confirmed':9}  {standing.standing}: {standing.sentence}")
        for one in differing:
            _print(f"           {one.where}: {one.otherwise}")
    # A step may rest on several statements, and is one expectation.
    refuted = {(one.where, one.otherwise): one.standing.standing for one in readings if one.otherwise is not None}
    kinds = {"inferred": "inferred", "observed": "observed", "contradiction": "contradictory"}
    counts = {word: list(refuted.values()).count(kind) for kind, word in kinds.items()}
    listed = [f"{count} {word}" for word, count in counts.items() if count] or ["0 inferred"]
    counted = " and ".join(filter(None, (", ".join(listed[:-1]), listed[-1])))
    plural = " was" if len(refuted) == 1 else "s were"
    _print(f"\n{counted} expectation{plural} not shared by this server")


def _counted(number: int) -> str:
    return "1 story" if number == 1 else f"{number} stories"


def _names(outcomes: Sequence[Outcome]) -> str:
    return ", ".join(outcome.story.name for outcome in outcomes)


def _print(text: str) -> None:
    # At once, so that it keeps its place among what a driver or this program complains of.
    print(text, flush=True)


def _print_error(line: str) -> None:
    print(f"stories: {line}", file=sys.stderr)


def _terminated(_signal: int, _frame: FrameType | None) -> None:
    # As Ctrl-C does it: the clean-up of the running story is done on the way out.
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _terminated)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        _print_error("interrupted")
        sys.exit(130)
