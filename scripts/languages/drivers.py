"""Gets the drivers of the clients ready, and runs the stories through one."""

from __future__ import annotations

import shutil
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import ROOT, ScriptError
from scripts.contract.package import build
from scripts.stories.contract import read_contract
from scripts.stories.rules import read_checked_stories
from scripts.stories.runner import run_stories
from scripts.stories.server import open_server

from .generator import PATH, run_program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scripts.stories.runner import Outcome

    from .description import Client

_INSTALL = {
    "go": "`make languages` installs it from requirements/languages.txt",
    "php": "install php-cli, php-curl, php-mbstring and php-guzzlehttp-guzzle (on Debian, as root: apt-get install them)",
    "node": "install Node.js 20 or newer",
    "npm": "install Node.js 20 or newer, with npm",
}
_LONGEST_MESSAGE = 400


def check_programs(client: Client, path: str = PATH) -> None:
    """Makes sure that the programs which a client's driver needs are on the path.

    Raises:
        ScriptError: A program is missing.
    """
    for program in client.needs:
        if shutil.which(program, path=path) is None:
            raise ScriptError(f"{program} is missing, which the stories need for {client.name}: {_INSTALL[program]}")


def prepare(client: Client, contract: Path, generated: Path | None, folder: Path) -> None:
    """Gets a client's driver ready in a folder, beside the client.

    Args:
        client: The client.
        contract: The OpenAPI document that it is made from.
        generated: Where openapi-generator has put it; None if other commands make it.
        folder: Where to; Node packages that were installed there from the same lock stay.

    Raises:
        ScriptError: Something could not be installed, made or compiled.
    """
    source = ROOT / client.program
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "out"))
    if generated is not None:
        shutil.rmtree(folder / client.client, ignore_errors=True)
        shutil.copytree(generated, folder / client.client)
    if (source / "package.json").exists():
        _prepare_node(contract, folder)
    for words in filter(None, (*client.commands, client.build)):
        named = [word.replace("{contract}", str(contract)) for word in words]
        _run(named, folder, f"{client.name}: {words[0]} failed")


def _prepare_node(contract: Path, folder: Path) -> None:
    """Installs what the TypeScript driver needs, has its clients generated, and compiles all of it."""
    lock, installed = (folder / "package-lock.json").read_text("utf-8"), folder / ".installed"
    if not installed.exists() or installed.read_text("utf-8") != lock:
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        _run(["npm", "ci", *quiet], folder, "npm could not install its packages")
        installed.write_text(lock, "utf-8")
    target = folder / "node_modules" / "mincloud-openapi"
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        with tarfile.open(build(Path(temporary))[0]) as archive:
            archive.extractall(temporary, filter="data")
        shutil.move(Path(temporary) / "package", target)
    programs, source = "./node_modules/.bin", str(contract)
    hey_api = [f"{programs}/openapi-ts", "-i", source, "-o", "src/hey-api", "--no-log-file", "--silent"]
    _run(hey_api, folder, "@hey-api/openapi-ts made no client")
    orval = [f"{programs}/orval", "--input", source, "--output", "src/orval.ts", "--client", "fetch"]
    _run(orval, folder, "orval made no client")
    _run(["node", "node_modules/typescript/bin/tsc", "--pretty", "false"], folder, "the driver does not compile")


def run(client: Client, folder: Path) -> Iterator[Outcome]:
    """Runs the stories for all languages through a client's driver, and gives the outcome of each.

    Raises:
        ScriptError: The stories cannot be read, or the driver cannot be started or does not end as it should.
    """
    contract = read_contract()
    stories = [story for story in read_checked_stories(contract) if story.languages]
    with open_server(contract, {}) as server:
        yield from run_stories(contract, stories, server, command=command(client.driver, folder), folder=folder)


def command(words: Sequence[str], folder: Path) -> list[str]:
    """A driver's command, with its program's path."""
    program = folder / words[0] if words[0].startswith("./") else shutil.which(words[0], path=PATH)
    return [str(program or words[0]), *words[1:]]


def _run(words: Sequence[str], folder: Path, failure: str) -> None:
    done = run_program(command(words, folder), folder, failure)
    if done.returncode:
        said = " ".join((done.stderr.strip() or done.stdout).split())
        raise ScriptError(f"{failure}: {said[:_LONGEST_MESSAGE]}")
