"""Makes the clients of other languages from the contract, and has those with a driver run the stories and two probes.

    python -m scripts.languages               # writes what it found into openapi/README.md
    python -m scripts.languages --check       # fails where the README says something else
    python -m scripts.languages --only PHP    # one client, without the README

The clients are left in build/languages. The exit status is 0 when all is well, 1 when a client is not as it should be or the
README is stale, and 2 when it could not be found out.
"""

from __future__ import annotations

import argparse
import fcntl
import importlib.metadata
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mincloud._contract import as_yaml
from scripts import ROOT, ScriptError
from scripts.contract.document import CONTRACT, read_document
from scripts.contract.variants import derive

from . import drivers, probes, section
from .description import CONTRACTS, Client, read
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
    parser.add_argument("--only", action="append", default=[], help="only this client; may be repeated", metavar="NAME")
    parser.add_argument("--contract", type=Path, default=CONTRACT, help="another contract; for trials", metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        description = read()
        chosen = _chosen(description, options.only)
        with exclusive_lock():
            results, complaints = _all(description, chosen, options.contract)
        if not complaints and not options.only:
            version = importlib.metadata.version("openapi-generator-cli")
            complaints += section.update(README, section.render(description, results, version), check=options.check)
    except ScriptError as error:
        print(f"languages: {error}", file=sys.stderr)
        return 2
    for line in complaints:
        print(f"languages: {line}", file=sys.stderr)
    return 1 if complaints else 0


def _chosen(description: Description, names: Sequence[str]) -> list[Client]:
    known = {client.name.lower(): client for client in description.clients}
    if unknown := [name for name in names if name.lower() not in known]:
        there = "; ".join(client.name for client in description.clients)
        raise ScriptError(f"there is no client {unknown[0]}; there are {there}")
    return [client for key, client in known.items() if not names or key in {name.lower() for name in names}]


def _all(description: Description, clients: Sequence[Client], contract: Path) -> tuple[list[Result], list[str]]:
    """Makes the clients and runs them; gives what was found, and what is wrong."""
    for client in clients:
        drivers.check_programs(client)
    contracts = _contracts(contract)
    generated = generate_clients(clients, contracts)
    prepared: set[Path] = set()
    complaints: list[str] = []
    results: list[Result] = []
    for client in clients:
        made = generated.get(client.name)
        known = (*description.warnings, *client.warnings)
        said = [
            f"{client.name}: the generator warns: {line}" for line in unexpected(made.warnings if made else (), known)
        ]
        if made:
            said += [
                f"{client.name}: the generator no longer warns of {each.pattern!r}: take it out of languages.yaml"
                for each in known
                if not any(each.pattern in line for line in made.warnings)
            ]
        result = Result(client)
        if client.program:
            # Three clients for TypeScript share a program, and are prepared once.
            shared = not client.generator and not client.commands
            folder = CLIENTS / "drivers" / (Path(client.program).name if shared else client.slug)
            if folder not in prepared:
                drivers.prepare(client, contracts[client.contract], made.folder if made else None, folder)
            prepared.add(folder)
            result = _ran(client, folder)
            if result.stories is not None and result.stories[0] != result.stories[1]:
                said.append(
                    f"{client.name}: {result.stories[1] - result.stories[0]} of {result.stories[1]} stories failed"
                )
        print(f"{'FAILED' if said else 'passed'}   {client.name}", flush=True)
        complaints += said
        results.append(result)
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


def generate_clients(clients: Sequence[Client], contracts: Mapping[str, Path]) -> dict[str, Generated]:
    """What openapi-generator makes, by the client's name."""
    asked = [client for client in clients if client.generator]
    if not asked:
        return {}
    program = command()
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
        pending = {
            client.name: pool.submit(
                generate, program, client.generator, contracts[client.contract], CLIENTS / client.slug, client.options
            )
            for client in asked
        }
    return {name: future.result() for name, future in pending.items()}


def _ran(client: Client, folder: Path) -> Result:
    """What the client's driver did."""
    if client.models:
        return Result(client, secret=probes.secret_arrives(drivers.command(client.models, folder), folder))

    def report(outcome: Outcome) -> None:
        for line in outcome.failures:
            print(f"         {client.name}, {outcome.story.name}: {line}", flush=True)

    outcomes = drivers.run(client, folder, report=report)
    passed = sum(not outcome.failures and outcome.skipped is None for outcome in outcomes)
    words = drivers.command(client.driver, folder)
    return Result(
        client,
        stories=(passed, len(outcomes)),
        secret=probes.secret_arrives(words, folder),
        path=probes.path_is_encoded(words, folder),
    )


if __name__ == "__main__":
    sys.exit(main())
