"""Makes the clients of other languages from the contract, looks at their code, and runs the stories through two of them.

    python -m scripts.languages               # writes what it found into openapi/README.md
    python -m scripts.languages --check       # fails where the README says something else
    python -m scripts.languages --only PHP    # one language, without the README

The clients are left in build/languages. The exit status is 0 when all is well, 1 when a client is not as it should be or the
README is stale, and 2 when it could not be found out.
"""

from __future__ import annotations

import argparse
import fcntl
import importlib.metadata
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mincloud._contract import as_yaml
from scripts import ROOT, ScriptError
from scripts.contract.document import CONTRACT, read_document
from scripts.contract.variants import derive

from . import drivers, section
from .description import CONTRACTS, Language, read
from .findings import inspect
from .generator import command, generate, unexpected
from .section import README, Result

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from scripts.stories.runner import Outcome

    from .description import Description
    from .generator import Generated

CLIENTS = ROOT / "build" / "languages"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.languages", description=(__doc__ or "").partition("\n")[0], allow_abbrev=False
    )
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where openapi/README.md is stale")
    parser.add_argument(
        "--only", action="append", default=[], help="only this language; may be repeated", metavar="LANGUAGE"
    )
    parser.add_argument("--contract", type=Path, default=CONTRACT, help="another contract; for trials", metavar="FILE")
    parser.add_argument("--no-stories", action="store_true", help="do not run the stories; not with the README")
    options = parser.parse_args(arguments)
    try:
        description = read()
        chosen = _chosen(description, options.only)
        partial = bool(options.only) or options.no_stories
        with exclusive_lock():
            results, complaints = _all(description, chosen, options.contract, stories=not options.no_stories)
        if not complaints and not partial:
            version = importlib.metadata.version("openapi-generator-cli")
            complaints += section.update(README, section.render(description, results, version), check=options.check)
    except ScriptError as error:
        print(f"languages: {error}", file=sys.stderr)
        return 2
    for line in complaints:
        print(f"languages: {line}", file=sys.stderr)
    return 1 if complaints else 0


def _chosen(description: Description, names: Sequence[str]) -> list[Language]:
    known = {language.name.lower(): language for language in description.languages}
    if unknown := [name for name in names if name.lower() not in known]:
        there = ", ".join(language.name for language in description.languages)
        raise ScriptError(f"there is no language {unknown[0]}; there are {there}")
    return [language for key, language in known.items() if not names or key in {name.lower() for name in names}]


def _all(
    description: Description, languages: Sequence[Language], contract: Path, *, stories: bool
) -> tuple[list[Result], list[str]]:
    """Makes the clients, looks at them, and runs the stories; gives what was found, and what is wrong."""
    contracts = _contracts(contract)
    if stories:
        for language in languages:
            drivers.check_programs(language)
    begun = time.monotonic()
    made = generate_clients(languages, contracts)
    print(f"clients made in {time.monotonic() - begun:.0f} s", flush=True)
    complaints: list[str] = []
    results: list[Result] = []
    for language in languages:
        folders, warnings = made[language.name]
        known = (*description.warnings, *language.warnings)
        said = [f"{language.name}: the generator warns: {line}" for line in unexpected(warnings, known)]
        said += [
            f"{language.name}: the generator no longer warns of {each.pattern!r}: take it out of languages.yaml"
            for each in known
            if language.generator and not any(each.pattern in line for line in warnings)
        ]
        findings = inspect(language, folders)
        said += findings.missing
        passed = _told(language, folders[language.contract]) if stories and language.driver else None
        if passed is not None and passed[0] != passed[1]:
            said.append(f"{language.name}: {passed[1] - passed[0]} of {passed[1]} stories failed")
        print(f"{'FAILED' if said else 'passed'}   {language.name}", flush=True)
        complaints += said
        results.append(Result(language, findings, passed))
    return results, complaints


@contextmanager
def exclusive_lock() -> Generator[None]:
    """Keeps a second run out of the folder."""
    CLIENTS.mkdir(parents=True, exist_ok=True)
    with (CLIENTS / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ScriptError("another run is making the clients: wait for it to end") from error
        yield


def _contracts(path: Path) -> dict[str, Path]:
    """The contract and its portable variant, as files."""
    _, problems = read_document(path)
    if problems:
        raise ScriptError(problems[0].line(path.name))
    variant = CLIENTS / "portable.yaml"
    variant.write_text(as_yaml(derive(("portable",), path)), "utf-8")
    return dict(zip(CONTRACTS, (path, variant), strict=True))


def generate_clients(
    languages: Sequence[Language], contracts: Mapping[str, Path]
) -> dict[str, tuple[dict[str, Path], list[str]]]:
    """The clients of each language: their folders by contract, and what the generator warned of."""
    generated = [language for language in languages if language.generator]
    made: dict[str, tuple[dict[str, Path], list[str]]] = {}
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
        program = command() if generated else ""
        pending = {
            (language.name, name): pool.submit(
                generate, program, language.generator, path, _folder(language, name), language.options
            )
            for language in generated
            for name, path in contracts.items()
        }
        for language in languages:
            if language.package:
                folder = CLIENTS / language.slug
                drivers.prepare_package(language, folder)
                made[language.name] = (dict.fromkeys(CONTRACTS, folder), [])
        clients: dict[tuple[str, str], Generated] = {key: future.result() for key, future in pending.items()}
    for language in generated:
        both = {name: clients[language.name, name] for name in contracts}
        warnings = [line for each in both.values() for line in each.warnings]
        made[language.name] = ({name: each.folder for name, each in both.items()}, warnings)
    return made


def _folder(language: Language, contract: str) -> Path:
    return CLIENTS / language.slug / contract.removesuffix(".yaml")


def _told(language: Language, client: Path) -> tuple[int, int]:
    """How many stories the language's client passed, of how many."""

    def report(outcome: Outcome) -> None:
        for line in outcome.failures:
            print(f"         {language.name}, {outcome.story.name}: {line}", flush=True)

    outcomes = drivers.run(language, client, report=report)
    return sum(not outcome.failures and outcome.skipped is None for outcome in outcomes), len(outcomes)


if __name__ == "__main__":
    sys.exit(main())
