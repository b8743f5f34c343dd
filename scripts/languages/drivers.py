"""Prepares the drivers of the clients, runs the stories through one, and records what it sends."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from scripts import ROOT, ScriptError
from scripts.contract.document import read_valid
from scripts.contract.package import build
from scripts.stories.contract import Contract
from scripts.stories.driver import NoResponseError, ProcessDriver
from scripts.stories.rules import read_checked_stories
from scripts.stories.runner import Outcome, run_stories
from scripts.stories.server import open_server
from scripts.stories.story import Step

from .description import Client
from .generator import LONGEST_MESSAGE, PATH, run_program

_INSTALL = {
    "go": "`make languages` installs it from requirements/languages.txt",
    "php": "install php-cli, php-curl, php-mbstring and php-guzzlehttp-guzzle (on Debian, as root: apt-get install them)",
    "node": "install Node.js 20 or newer",
    "npm": "install Node.js 20 or newer, with npm",
}
_GRANT = {
    "client_id": "application",
    "client_secret": "kept as it is",
    "grant_type": "authorization_code",
    "code": "a code",
}
_NAME = "a/b 测"


def check_programs(client: Client, path: str = PATH) -> None:
    """Makes sure that the programs which a client's driver needs are on the path.

    Raises:
        ScriptError: A program is missing.
    """
    for program in client.needs:
        if shutil.which(program, path=path) is None:
            raise ScriptError(f"{program} is missing, which the stories need for {client.name}: {_INSTALL[program]}")


def prepare(client: Client, contract: Path, generated: Path | None, folder: Path) -> None:
    """Prepares a client's driver in a folder, beside the client that openapi-generator has put into `generated`, if it made it.

    Node packages that were installed in the folder from the same lock stay.

    Raises:
        ScriptError: Something could not be installed, made or compiled.
    """
    source = ROOT / client.program
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("node_modules", "out"))
    if generated is not None:
        shutil.rmtree(folder / client.client, ignore_errors=True)
        shutil.copytree(generated, folder / client.client)
    if (source / "package.json").exists():
        _prepare_node(folder)
    for words in filter(None, (*client.commands, client.build)):
        named = [word.replace("{contract}", str(contract)) for word in words]
        _run(named, folder, f"{client.name}: {words[0]} failed")


def _prepare_node(folder: Path) -> None:
    """Installs what a driver in TypeScript needs, with the contract's npm package."""
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


def run(client: Client, folder: Path) -> Iterator[Outcome]:
    """Runs the stories for all languages through a client's driver, and gives the outcome of each.

    Raises:
        ScriptError: The stories cannot be read, or the driver cannot be started or does not end as it should.
    """
    contract = Contract(read_valid())
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
        raise ScriptError(f"{failure}: {said[:LONGEST_MESSAGE]}")


@contextmanager
def _recorder(requests: list[tuple[str, Any]]) -> Generator[str]:
    """Starts a server that records the path and the body of each request; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            requests.append((self.path, json.loads(text) if text else None))
            body = json.dumps({"access_token": "a token", "name": _NAME}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = respond  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Stays silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def _arrived(command: Sequence[str], folder: Path, step: Step) -> tuple[str, Any]:
    """The path and the body that a client sends; nothing where it sends none."""
    requests: list[tuple[str, Any]] = [("", None)]
    # Without an answer too, what matters is what arrived before.
    with _recorder(requests) as url, closing(ProcessDriver(command, folder, url)) as driver, suppress(NoResponseError):
        driver.send(step)
    return requests[-1]


def secret_arrives(command: Sequence[str], folder: Path) -> bool:
    """Whether the secrets in a request for a token arrive unchanged.

    Raises:
        ScriptError: The driver cannot be started, or does not end as it should.
    """
    _, body = _arrived(command, folder, Step(operation="createAccessToken", body={**_GRANT}))
    return bool(body == _GRANT)


def path_is_encoded(command: Sequence[str], folder: Path) -> bool:
    """Whether a function's name with a slash, a space and Chinese arrives as one segment of the path.

    Raises:
        ScriptError: The driver cannot be started, or does not end as it should.
    """
    step = Step(operation="getFunction", parameters={"function_name": _NAME}, access_token=_GRANT["code"])
    path, _ = _arrived(command, folder, step)
    return unquote(path.rstrip("/").rpartition("/")[2]) == _NAME
