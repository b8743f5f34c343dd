"""A run of stories: against which server, by which driver, and what came of it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from scripts import ScriptError
from scripts.contract.document import CONTRACT, read_valid

from .contract import Contract
from .derived import derived_stories
from .driver import HttpDriver, ProcessDriver
from .rules import problems
from .runner import Outcome, Runner
from .server import OtherServer, OwnServer
from .story import STORIES, Story, read_stories

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


def read_contract(path: Path = CONTRACT) -> Contract:
    """The contract of a file.

    Raises:
        ScriptError: It cannot be read or is not valid OpenAPI 3.0.
    """
    return Contract(read_valid(path))


def read_checked_stories(contract: Contract, folder: Path = STORIES) -> list[Story]:
    """The stories of a folder, which fit the contract.

    Raises:
        ScriptError: One cannot be read, is not as the schema has it, or does not fit the contract; a line for each problem.
    """
    stories = read_stories(folder)
    if folder == STORIES:
        stories = sorted([*stories, *derived_stories(contract)], key=lambda story: story.name)
    if wrong := problems(stories, contract):
        raise ScriptError("\n".join(wrong))
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
        ScriptError: The server cannot be used, or the program cannot be started or does not end as it should.
    """
    with ExitStack() as stack:
        server = OwnServer() if base_url is None else OtherServer(base_url, environment or {})
        stack.callback(server.close)
        if isinstance(server, OtherServer):
            server.check(contract)
        direct = HttpDriver(server.url, contract, trust_env=server.emulator is None, interval=interval)
        stack.callback(direct.close)
        driver = direct if command is None else ProcessDriver(command, folder or STORIES, server.url)
        stack.callback(driver.close)
        begin(server.url)
        runner = Runner(contract, server, driver, direct)
        outcomes: list[Outcome] = []
        for story in stories:
            outcomes.append(Outcome(story))
            try:
                runner.run(outcomes[-1])
            finally:
                report(outcomes[-1])
        return outcomes
