"""Runs the stories through the client of a language: gets its driver ready, and starts it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import ROOT, ScriptError
from scripts.contract.package import build
from scripts.stories.process_driver import DriverError
from scripts.stories.server import ServerError
from scripts.stories.session import InputError, read_checked_stories, read_contract, run_stories

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scripts.stories.runner import Outcome

    from .description import Language

_INSTALL = {
    "php": "install php-cli, php-curl, php-mbstring and php-guzzlehttp-guzzle (on Debian, as root: apt-get install them)",
    "node": "install Node.js 20 or newer",
    "npm": "install Node.js 20 or newer, with npm",
}
_LONGEST_MESSAGE = 400
_TIME_LIMIT = 180


def check_programs(language: Language, path: str | None = None) -> None:
    """Makes sure that what the language's driver needs is there.

    Args:
        language: the language.
        path: where to look for programs; PATH by default.

    Raises:
        ScriptError: A program is missing.
    """
    for program in (*language.needs, *(("node", "npm") if language.package else ())):
        if shutil.which(program, path=path) is None:
            raise ScriptError(f"{program} is missing, which the stories need for {language.name}: {_INSTALL[program]}")


def prepare_package(language: Language, folder: Path) -> None:
    """Gets a Node program ready in a folder: its packages, the contract's own, and the program compiled.

    Args:
        language: the language, whose `package` is the program's folder.
        folder: where to; packages that were installed there from the same lock stay.

    Raises:
        ScriptError: Something could not be installed, built or compiled.
    """
    source = ROOT / language.package
    lock = (source / "package-lock.json").read_text("utf-8")
    installed = folder / ".installed"
    if not installed.exists() or installed.read_text("utf-8") != lock:
        shutil.rmtree(folder, ignore_errors=True)
    ignored = shutil.ignore_patterns("node_modules", "out")
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=ignored)
    if not installed.exists():
        quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
        _run(["npm", "ci", *quiet], folder, "npm could not install its packages")
        installed.write_text(lock, "utf-8")
    target = folder / "node_modules" / "mincloud-openapi"
    shutil.rmtree(target, ignore_errors=True)
    with tempfile.TemporaryDirectory() as temporary:
        try:
            tarball = build(Path(temporary))[0]
        except ScriptError as error:
            raise ScriptError(f"{language.name}: {error}") from error
        with tarfile.open(tarball) as archive:
            archive.extractall(temporary, filter="data")
        shutil.move(Path(temporary) / "package", target)
    _run(["node", "node_modules/typescript/bin/tsc", "--pretty", "false"], folder, "the driver does not compile")


def run(
    language: Language, client: Path, *, base_url: str | None = None, report: Callable[[Outcome], None]
) -> Sequence[Outcome]:
    """Runs the stories for all languages through one.

    Args:
        language: the language.
        client: the folder of its client.
        base_url: the server's address; None for an emulator that is started for it.
        report: is given each outcome as it comes.

    Raises:
        ScriptError: They could not be run.
    """
    command = [part.replace("{client}", str(client)) for part in language.driver]
    folder = ROOT / language.driver_folder if language.driver_folder else client
    try:
        contract = read_contract()
        stories = [story for story in read_checked_stories(contract) if story.languages]
        return run_stories(
            contract,
            stories,
            base_url=base_url,
            environment=os.environ,
            command=command,
            folder=folder,
            report=report,
        )
    except InputError as error:
        raise ScriptError(f"{language.name}: {error.lines[0]}") from error
    except (ServerError, DriverError) as error:
        raise ScriptError(f"{language.name}: {error}") from error


def _run(command: Sequence[str], folder: Path, failure: str) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "NO_COLOR": "1", "npm_config_update_notifier": "false"},
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIME_LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        raise ScriptError(f"{failure} in {_TIME_LIMIT} seconds: try it again") from error
    if done.returncode != 0:
        said = " ".join((done.stderr.strip() or done.stdout).split())
        raise ScriptError(f"{failure}: {said[:_LONGEST_MESSAGE]}")
