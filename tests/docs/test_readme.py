"""What the README shows works as it is printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mincloud
from mincloud import errors
from mincloud_emulator import Emulator

ROOT = Path(__file__).resolve().parents[2]
PAGES = {name: (ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md")}
SNIPPETS = [
    pytest.param(snippet, id=f"{name}-{number}")
    for name, text in PAGES.items()
    for number, snippet in enumerate(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_each_python_snippet_runs(snippet: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    function = tmp_path / "greet" / "index.js"
    function.parent.mkdir()
    function.write_bytes((ROOT / "examples" / "functions" / "greet" / "index.js").read_bytes())
    with Emulator() as emulator:
        monkeypatch.setenv("MINCLOUD_BASE_URL", emulator.url)
        monkeypatch.setenv("MINCLOUD_ACCESS_TOKEN", emulator.access_token)
        exec(compile(snippet, "README.md", "exec"), {})


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_the_error_tree_is_the_one_of_the_module(text: str) -> None:
    tree = text[text.index("```\nMinCloudError") :].split("```")[1]
    named = set(re.findall(r"\b[A-Z][A-Za-z]+\b", tree)) & set(dir(mincloud))
    assert named == set(errors.__all__) - {"ClientClosed"}


def test_both_languages_say_the_same() -> None:
    english, chinese = PAGES.values()
    for pattern in (r"^#+ ", r"^\| ", r"^```\w*"):
        assert re.findall(pattern, english, re.MULTILINE) == re.findall(pattern, chinese, re.MULTILINE), pattern
    spans = re.compile(r"`[A-Za-z_.]+(?:\([^`]*\))?`")
    assert set(spans.findall(english)) == set(spans.findall(chinese))


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_links_between_files_lead_somewhere(text: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (ROOT / target).exists(), target
