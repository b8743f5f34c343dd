"""What is written about the format holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from scripts.stories.rules import read_checked_stories
from scripts.stories.runner import run_stories
from scripts.stories.server import open_server
from scripts.stories.story import SCHEMA, STORIES

if TYPE_CHECKING:
    from pathlib import Path

    from mincloud_emulator import Emulator
    from scripts.stories.contract import Contract

PAGE = (STORIES / "README.md").read_text("utf-8")


def test_the_example_in_the_page_on_the_format_is_a_story_that_goes_as_told(
    emulator: Emulator, tmp_path: Path, parsed_contract: Contract
) -> None:
    example = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert example is not None
    (tmp_path / "example.yaml").write_text(example[1], "utf-8")
    stories = read_checked_stories(parsed_contract, tmp_path)
    environment = {"BASE_URL": emulator.url, "ACCESS_TOKEN": emulator.access_token}
    with open_server(parsed_contract, environment) as server:
        [outcome] = run_stories(parsed_contract, stories, server)
    assert (outcome.failures, outcome.requests) == ([], 3)


def test_the_page_explains_every_key_of_the_schema_and_no_other() -> None:
    schema: dict[str, Any] = yaml.safe_load(SCHEMA.read_text("utf-8"))
    definitions = schema["$defs"]
    matchers = list(definitions["matcher"]["properties"])
    assert _first_cells("A story") == list(schema["properties"])
    assert _first_cells("A step") == list(definitions["step"]["properties"])
    assert [cell.partition(":")[0].removeprefix("{") for cell in _first_cells("An expected body")] == matchers


def _first_cells(heading: str) -> list[str]:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)
