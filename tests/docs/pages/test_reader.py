"""What runs the snippets sees when a page is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs import snippets
from tests.docs.snippets import Reader

HELLO = "```sh\nexport WHO=world\necho hello $WHO\n```\n"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(snippets, "ROOT", tmp_path)
    (tmp_path / "Makefile").write_text("all:\n\ttrue\n\ntest: all\n", "utf-8")
    (tmp_path / "reader").mkdir()
    return tmp_path / "page.md"


def read(page: Path, text: str) -> int:
    page.write_text(text, "utf-8")
    return Reader(page.parent / "reader", {}, furnished=False).read(page)


def test_a_page_that_is_right_is_read_to_its_end(page: Path) -> None:
    text = (
        f"{HELLO}\n```text\nhello  world\n```\n\nThen\n\n```python\nimport os\nwho = os.environ['WHO']\n```\n\n"
        "```python\nprint(who, 3.14)\n```\n```text\nworld …\n```\n\n"
        "```python\n# made/by.py\nprint('made')\n```\n\n"
        "```sh\npython made/by.py  # from a file\nmake test\npip install pytest\n```\n```text\nmade\n```\n"
    )
    assert read(page, text) == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            f"{HELLO}```text\nhello moon\n```\n",
            "page.md:6: the page shows\nhello moon\n\nbut this was printed:\nhello world",
        ),
        ("```sh\nfalse\ntrue\n```\n", "page.md:2: exit status 1"),
        ("One\n\n```sh\nmake coffee\n```\n", "page.md:4: make coffee"),
        ("```sh\npip install 'mincloud[nothing]'\n```\n", "page.md:2: mincloud[nothing]"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(page: Path, text: str, message: str) -> None:
    with pytest.raises(AssertionError) as raised:
        read(page, text)
    assert message in str(raised.value)


def test_an_error_in_python_stands_where_the_page_has_it(page: Path) -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        read(page, "One\n\n```python\nfine = 1\nfine / 0\n```\n")
    assert (str(raised.traceback[-1].path), raised.traceback[-1].lineno + 1) == (str(page), 5)
