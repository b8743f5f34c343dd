"""What the READMEs and the documentation show works as it is printed. `make test-docs` runs this."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mincloud_emulator import Clock, Emulator
from tests.docs.snippets import PAGES, ROOT, TUTORIAL, Reader, snippets

if TYPE_CHECKING:
    from collections.abc import Iterator

# A page starts a dozen programs, and the machine may be busy.
pytestmark = pytest.mark.timeout(600)

GREET = ROOT / "examples" / "functions" / "greet"


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    # What a page does at the same time, as two calls in a second, is done so on a machine that stands still for some, too.
    with Emulator(clock=Clock(frozen=True)) as running:
        running.deploy("greet", GREET)
        yield running


@pytest.mark.parametrize(
    "page",
    [
        page
        for page in PAGES
        if page != TUTORIAL and any(snippet.language in ("sh", "python") for snippet in snippets(page))
    ],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_each_snippet_of_a_page_works_as_it_is_printed(page: Path, emulator: Emulator, tmp_path: Path) -> None:
    environment = {"MINCLOUD_BASE_URL": emulator.url, "MINCLOUD_ACCESS_TOKEN": emulator.access_token}
    if any(
        "mincloud-py login" in snippet.code for snippet in snippets(page)
    ):  # it asks for what the environment does not say
        environment |= {"MINCLOUD_CLIENT_ID": emulator.client_id, "MINCLOUD_CLIENT_SECRET": emulator.client_secret}
    assert Reader(tmp_path, environment).read(page)


def test_the_tutorial_starts_from_nothing(tmp_path: Path) -> None:
    tutorial = Reader(tmp_path, {}, furnished=False)
    assert tutorial.read(TUTORIAL) > 20
