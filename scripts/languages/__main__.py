"""Makes the clients of other languages from the contract, and has those with a driver run the stories and two probes.

    python -m scripts.languages               # writes what it found into openapi/README.md
    python -m scripts.languages --check       # fails where the README says something else
    python -m scripts.languages --only PHP    # one client, without the README

The clients are left in build/languages. The exit status is 0 when all is well, 1 when a client is not as it should be or the
README is stale, and 2 when it could not be found out.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mincloud._contract import as_yaml
from scripts import ROOT, ScriptError
from scripts.contract.document import CONTRACT, read_valid
from scripts.contract.variants import derive

from . import drivers, section
from .description import Client, Description, read
from .generator import find_generator, generate, warning_problems
from .section import README, Result

CLIENTS = ROOT / "build" / "languages"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.languages", description=(__doc__ or "").partition("\n")[0], allow_abbrev=False
    )
    parser.add_argument("--check", action="store_true", help="write nothing, and fail where openapi/README.md is stale")
    parser.add_argument("--only", action="append", default=[], help="only this client; may be repeated", metavar="NAME")
    options = parser.parse_args(arguments)
    try:
        description = read()
        chosen = _chosen(description, options.only)
        results, complaints = _inspect(description, chosen)
        if not complaints and not options.only:
            version = importlib.metadata.version("openapi-generator-cli")
            complaints += section.update(README, section.render(description, results, version), check=options.check)
    except ScriptError as error:
        print(f"languages: {error}", file=sys.stderr)
        return 2
    for line in complaints:
        print(f"languages: {line}", file=sys.stderr)
    return 1 if complaints else 0


def _chosen(description: Description, names: Sequence[str]) -> Sequence[Client]:
    known = {client.name.lower(): client for client in description.clients}
    if unknown := [name for name in names if name.lower() not in known]:
        there = "; ".join(client.name for client in description.clients)
        raise ScriptError(f"there is no client {unknown[0]}; there are {there}")
    return [known[name.lower()] for name in names] or description.clients


def _inspect(description: Description, clients: Sequence[Client]) -> tuple[list[Result], list[str]]:
    """Generates the clients and runs them; returns the results, and a line for each problem."""
    for client in clients:
        drivers.check_programs(client)
    read_valid()
    CLIENTS.mkdir(parents=True, exist_ok=True)
    contracts = {CONTRACT.name: CONTRACT, "portable.yaml": CLIENTS / "portable.yaml"}
    contracts["portable.yaml"].write_text(as_yaml(derive(("portable",))), "utf-8")
    warnings = _generate_clients(clients, contracts)
    prepared: set[tuple[str, ...]] = set()
    results: list[Result] = []
    complaints: list[str] = []
    for client in clients:
        wrong: list[str] = []
        if client.generator:
            wrong += warning_problems(warnings[client.name], [*description.warnings, *client.warnings])
        result = Result(client)
        if client.program:
            folder = CLIENTS / "drivers" / Path(client.program).name
            # Three clients for TypeScript are prepared at once.
            if (preparation := (client.program, client.generator, str(client.commands))) not in prepared:
                generated = CLIENTS / client.slug if client.generator else None
                drivers.prepare(client, contracts[client.contract], generated, folder)
            prepared.add(preparation)
            result = _run(client, folder)
            passed, of = result.stories or (0, 0)
            wrong += [f"{of - passed} of {of} stories failed"] if passed < of else []
        print(f"{'FAILED' if wrong else 'passed'}   {client.name}", flush=True)
        complaints += [f"{client.name}: {line}" for line in wrong]
        results.append(result)
    return results, complaints


def _generate_clients(clients: Sequence[Client], contracts: Mapping[str, Path]) -> dict[str, list[str]]:
    """Runs openapi-generator for the clients that it makes; returns its warnings, by the client's name."""
    asked = [client for client in clients if client.generator]
    program = find_generator() if asked else ""

    def make(client: Client) -> list[str]:
        return generate(program, client.generator, contracts[client.contract], CLIENTS / client.slug, client.options)

    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 1)) as pool:
        return dict(zip([client.name for client in asked], pool.map(make, asked), strict=True))


def _run(client: Client, folder: Path) -> Result:
    """Runs the stories and the probes through the client's driver."""
    if client.models:
        return Result(client, secret=drivers.secret_arrives(drivers.command(client.models, folder), folder))
    outcomes = list(drivers.run(client, folder))
    for outcome in outcomes:
        for line in outcome.failures:
            print(f"         {client.name}, {outcome.story.name}: {line}", flush=True)
    passed = sum(not outcome.failures and outcome.skipped is None for outcome in outcomes)
    words = drivers.command(client.driver, folder)
    return Result(
        client,
        stories=(passed, len(outcomes)),
        secret=drivers.secret_arrives(words, folder),
        path=drivers.path_is_encoded(words, folder),
    )


if __name__ == "__main__":
    sys.exit(main())
