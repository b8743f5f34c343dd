"""The package, built and installed into a folder that held nothing before."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.contract.package import build

if TYPE_CHECKING:
    from collections.abc import Mapping

CONSUMER = Path(__file__).parent / "consumer"
# The compiler that most have, and the newest.
COMPILERS = ("typescript", "typescript-newest")
NPM = ("npm", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")


@dataclass(frozen=True)
class Consumer:
    """A project with the package, openapi-fetch and two TypeScript compilers in it."""

    folder: Path

    def run(self, *command: str, variables: Mapping[str, str] | None = None) -> str:
        """Runs a command in it, which has to succeed; gives what it wrote."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1", **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"
        return done.stdout

    def compile(self, compiler: str, resolution: str, *options: str) -> str:
        """Compiles it; gives what the compiler wrote."""
        tsc = self.folder / "node_modules" / compiler / "bin" / "tsc"
        return self.run("node", str(tsc), "--project", f"tsconfig.{resolution}.json", "--pretty", "false", *options)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The tarball, the documents, and their checksums."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def tarball(built: list[Path]) -> Path:
    return built[0]


@pytest.fixture(scope="session")
def consumer(tarball: Path, tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    folder = tmp_path_factory.mktemp("consumer") / "project"
    shutil.copytree(CONSUMER, folder)
    made = Consumer(folder)
    made.run(*NPM, "ci")
    made.run(*NPM, "install", "--no-save", "--offline", str(tarball))
    return made


@pytest.fixture(scope="session")
def compiled(consumer: Consumer) -> Consumer:
    """The same, compiled."""
    consumer.compile("typescript-newest", "nodenext")
    return consumer
