"""The snippets of Markdown pages, run as a reader would: from top to bottom, in one folder.

- `sh` is run by the shell. Folder and environment are those in which the snippet before ended.
- `python` is run in this process; the snippets of a page share their names.
- A snippet whose first line is a comment that names a file is put into that file, and not run by itself.
- A snippet in another language right after one is what that prints. `…` stands for any text, and blanks for other blanks.

Some words do not mean here what they mean to a reader: `pip install` and `make` are checked for what they name and not run,
`mincloud-py emulator` serves in the background until the end of the page, and port 8900 is another one.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

ROOT = Path(__file__).resolve().parents[2]
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
DOCS = ROOT / "docs"
TUTORIAL = DOCS / "tutorial.md"
PAGES = (*READMES, *sorted(DOCS.rglob("*.md")))

_FENCE = re.compile(r"^```(?P<language>[a-z]+)[^\n]*\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE_NAME = re.compile(r"(?:#|//) (?P<name>[\w./-]+\.\w+)\n")
_PORT = "8900"
_PATIENCE = 120.0
_FURNITURE = {
    "greet/index.js": ROOT / "examples" / "functions" / "greet" / "index.js",
    "functions/greet/index.js": ROOT / "examples" / "functions" / "greet" / "index.js",
}
_CHECKED_ONLY = {"pip": "_check_requirements", "make": "_check_verbs"}


@dataclass(frozen=True)
class Snippet:
    """A block of code in a page.

    Attributes:
        language: what its fence says.
        code: its text.
        page: where it stands.
        line: the line of its first line there.
        follows: whether nothing but blanks stands between it and the block before.
    """

    language: str
    code: str
    page: Path
    line: int
    follows: bool

    @property
    def file(self) -> str | None:
        """The file that it is to be put into."""
        named = _FILE_NAME.match(self.code)
        return None if named is None else named["name"]

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def snippets(page: Path) -> Iterator[Snippet]:
    """The blocks of code in a page, in their order."""
    text = page.read_text("utf-8")
    end = 0
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start("code")) + 1
        yield Snippet(found["language"], found["code"], page, line, not text[end : found.start()].strip())
        end = found.end()


class Reader:
    """Someone who tries a page, in a folder of their own.

    Args:
        folder: an empty folder.
        environment: what the environment says beyond that of this process.
        furnished: whether there is a function and a file of inputs in the folder.
    """

    def __init__(self, folder: Path, environment: dict[str, str], *, furnished: bool = True) -> None:
        self._folder = folder
        self._here = folder / "project"
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("MINCLOUD_", "PYTEST_"))},
            "HOME": str(folder / "home"),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "NO_COLOR": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_ADDOPTS": "-p no:asyncio",  # it is here, and asks to be configured
            **environment,
        }
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._held = _held_port()
        self._port: int = self._held.getsockname()[1]
        self._background: list[subprocess.Popen[bytes]] = []
        self._printed = ""
        (folder / "home").mkdir()
        self._here.mkdir()
        for name, source in _FURNITURE.items() if furnished else ():
            self._put(name, source.read_text("utf-8"))
        if furnished:
            self._put("inputs.jsonl", '{"username": "Lin"}\n{"username": "爱范儿"}\n')

    def read(self, page: Path) -> int:
        """Tries all of a page; how many snippets were run, written or compared."""
        tried = 0
        try:
            for snippet in snippets(page):
                if snippet.file is not None:
                    self._put_snippet(snippet)
                elif snippet.language in ("sh", "python"):
                    self._printed = self._run_sh(snippet) if snippet.language == "sh" else self._run_python(snippet)
                elif snippet.follows:
                    self._compare(snippet)
                else:
                    continue
                tried += 1
        finally:
            self._end()
        return tried

    def _put(self, name: str, text: str) -> None:
        file = self._here / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")

    def _put_snippet(self, snippet: Snippet) -> None:
        assert snippet.file is not None
        self._put(snippet.file, snippet.code)
        if snippet.language == "yaml":
            yaml.safe_load(snippet.code)
        elif snippet.language == "json":
            json.loads(snippet.code)

    def _run_python(self, snippet: Snippet) -> str:
        printed = io.StringIO()
        # Line numbers are the page's, so that what goes wrong is shown where it stands.
        code = compile("\n" * (snippet.line - 1) + snippet.code, str(snippet.page), "exec")
        with _surroundings(self._here, self._environment), contextlib.redirect_stdout(printed):
            exec(code, self._names)
        return printed.getvalue()

    def _run_sh(self, snippet: Snippet) -> str:
        script: list[str] = []
        printed = ""
        for line in snippet.code.replace(_PORT, str(self._port)).splitlines():
            command = line.strip()
            if command.split(" ")[0] in _CHECKED_ONLY:
                getattr(self, _CHECKED_ONLY[command.split(" ")[0]])(snippet, command)
            elif command.startswith("mincloud-py emulator"):
                printed += self._start(command.replace(" emulator", f" emulator --port {self._port}", 1))
            else:
                script.append(line)
        return printed + (self._shell("\n".join(script), snippet) if script else "")

    def _shell(self, script: str, snippet: Snippet) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            left = Path(scratch) / "left"
            ended = subprocess.run(
                ["sh", "-ec", f'{script}\nenv -0 >"$0"; pwd >"$0.folder"', str(left)],
                cwd=self._here,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                timeout=2 * _PATIENCE,
                check=False,
            )
            assert ended.returncode == 0, f"{snippet}: exit status {ended.returncode}\n{script}\n{ended.stdout}"
            pairs = (pair.partition("=") for pair in left.read_text("utf-8").split("\0") if pair)
            self._environment = {name: value for name, _, value in pairs}
            self._here = Path(left.with_suffix(".folder").read_text("utf-8").strip())
        return ended.stdout

    def _start(self, command: str) -> str:
        log = self._folder / f"background-{len(self._background)}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["sh", "-c", f"exec {command}"],
                cwd=self._here,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._background.append(process)
        deadline = time.monotonic() + _PATIENCE
        while "Ctrl-C stops it." not in (said := log.read_text("utf-8")):
            assert process.poll() is None, f"{command} ended: {said}"
            assert time.monotonic() < deadline, f"{command} does not say that it listens: {said}"
            time.sleep(0.05)
        return said

    def _check_requirements(self, snippet: Snippet, command: str) -> None:
        """`pip install` names what there is: this package with extras that it has, or one that the tests have."""
        words = command.partition("#")[0].replace("'", "").split()
        assert words[:2] == ["pip", "install"], f"{snippet}: {command}"
        known = set(importlib.metadata.metadata("mincloud").get_all("Provides-Extra") or ())
        for requirement in words[2:]:
            name, _, extras = requirement.rstrip("]").partition("[")
            importlib.metadata.version(name)
            if name == "mincloud":
                assert {extra for extra in extras.split(",") if extra} <= known, f"{snippet}: {requirement}"

    def _check_verbs(self, snippet: Snippet, command: str) -> None:
        """`make` names verbs that the Makefile has."""
        makefile = (ROOT / "Makefile").read_text("utf-8")
        for verb in command.partition("#")[0].split()[1:]:
            assert f"\n{verb}:" in makefile, f"{snippet}: make {verb}"

    def _compare(self, snippet: Snippet) -> None:
        wanted = snippet.code.replace(_PORT, str(self._port))
        pattern = r"\s+".join(re.escape(word).replace("…", ".*") for word in wanted.split())
        assert re.fullmatch(rf"\s*{pattern}\s*", self._printed, re.DOTALL), (
            f"{snippet}: the page shows\n{wanted}\nbut this was printed:\n{self._printed}"
        )

    def _end(self) -> None:
        self._held.close()
        for value in self._names.values():
            if type(value).__name__ == "MinCloud":
                value.close()
        for process in self._background:
            process.send_signal(signal.SIGINT)
            process.wait(_PATIENCE)


@contextlib.contextmanager
def _surroundings(folder: Path, environment: dict[str, str]) -> Generator[None]:
    """This process in another folder, with another environment."""
    before = Path.cwd(), dict(os.environ)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.chdir(before[0])
        os.environ.clear()
        os.environ.update(before[1])


def _held_port() -> socket.socket:
    """A socket on a port that nobody is given meanwhile; who names the port can listen on it, since this does not."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held
