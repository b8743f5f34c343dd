"""A run of stories: against which server, by which driver, and what came of it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from scripts import ScriptError
from scripts.contract.document import CONTRACT, read_document

from .contract import Contract
from .derived import derived_stories
from .driver import HttpDriver
from .process_driver import ProcessDriver
from .redaction import Redaction
from .rules import problems
from .runner import Outcome, Runner
from .server import OtherServer, OwnServer
from .story import STORIES, Story, StoryFileError, read_stories

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from .driver import Driver


class InputError(ScriptError):
    """The stories cannot be run as asked; a line for each reason, in `lines`."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = tuple(lines)


def read_contract(path: Path = CONTRACT) -> Contract:
    """The contract of a file.

    Args:
        path: the file.

    Raises:
        InputError: If it cannot be read or is not valid OpenAPI 3.0.
    """
    try:
        document, wrong = read_document(path)
    except ScriptError as error:
        raise InputError([str(error)]) from error
    if wrong:
        raise InputError([problem.line(path.name) for problem in wrong])
    return Contract(document)


def read_checked_stories(contract: Contract, folder: Path = STORIES) -> list[Story]:
    """The stories of a folder, which fit the contract.

    Args:
        contract: the contract.
        folder: where they are.

    Raises:
        InputError: If one cannot be read, is not as the schema has it, or does not fit the contract.
    """
    try:
        stories = read_stories(folder)
    except StoryFileError as error:
        raise InputError(error.lines) from error
    if folder == STORIES:
        stories = sorted([*stories, *derived_stories(contract)], key=lambda story: story.name)
    if wrong := problems(stories, contract):
        raise InputError(wrong)
    return stories


def run_stories(
    contract: Contract,
    stories: Sequence[Story],
    *,
    base_url: str | None = None,
    environment: Mapping[str, str] | None = None,
    command: Sequence[str] | None = None,
    folder: Path | None = None,
    interval: float = 0.0,
    begin: Callable[[str], None] = lambda _url: None,
    report: Callable[[Outcome], None] = lambda _outcome: None,
) -> list[Outcome]:
    """Run stories one after the other.

    Args:
        contract: the contract.
        stories: the stories, checked against it.
        base_url: the server's address; None for an emulator that is started for them.
        environment: where another server's credentials are: `ACCESS_TOKEN`, `CLIENT_ID`, `CLIENT_SECRET`.
        command: a program that makes the requests, with its arguments; None to make them here.
        folder: the program's working folder.
        interval: how many seconds lie between the beginnings of two requests at least.
        begin: is given the server's address before the first story.
        report: is given each outcome as it comes.

    Returns:
        An outcome for each story.

    Raises:
        ServerError: If the server cannot be used.
        DriverError: If the program cannot be started, or does not end as it should.
    """
    with ExitStack() as stack:
        if base_url is None:
            server: OwnServer | OtherServer = OwnServer()
        else:
            server = OtherServer(base_url, environment or {})
            server.check(contract)
        stack.callback(server.close)
        direct = HttpDriver(server.url, contract, trust_env=server.faults is None, interval=interval)
        stack.callback(direct.close)
        driver: Driver = direct
        if command is not None:
            driver = ProcessDriver(command, folder or STORIES, server.url)
            stack.callback(driver.close)
        begin(server.url)
        runner = Runner(contract, server, driver, direct, Redaction(contract.secret_names))
        outcomes: list[Outcome] = []
        for story in stories:
            outcomes.append(Outcome(story))
            try:
                runner.run(outcomes[-1])
            finally:
                report(outcomes[-1])
        return outcomes
