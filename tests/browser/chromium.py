"""Headless Chromium, controlled by a Node script; any error on a page, and any request to another host, fails the test."""

from __future__ import annotations

import contextlib
import itertools
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator

Target = str | dict[str, Any]
"""An element: a CSS selector, or `role` with `name`, `label` or `text`, and `within` another."""

EXECUTABLE = Path("/usr/bin/chromium")
_SCRIPT = Path(__file__).with_name("drive.mjs")


class BrowserError(AssertionError):
    """The browser did not do in time what it was asked for; the message says what it shows instead."""


class Browser:
    """A running Chromium with an empty profile."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._numbers = itertools.count()

    def command(self, page: int, name: str, values: dict[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"page": page, "do": name, "with": values}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            message = f"the browser ended while it was to {name}"
            raise BrowserError(message)
        answer = json.loads(line)
        if "error" in answer:
            message = f"{name} {json.dumps(values, ensure_ascii=False)}: {answer['error']}"
            raise BrowserError(message)
        return answer["value"]

    @contextlib.contextmanager
    def page(self, url: str, *, expected_problems: str | None = None, **options: Any) -> Generator[Page]:
        """Opens the page of an emulator, and checks in the end that there was no error on it.

        Args:
            url: where to begin; nothing but its origin is reached.
            expected_problems: what an error on the console may have in it, None if there must be none.
            options: the browser context's, such as `viewport`, `colorScheme` and `locale`.
        """
        number = next(self._numbers)
        settings = {"locale": "en-GB", "viewport": {"width": 1280, "height": 900}, **options}
        self.command(number, "open", {"url": url, **settings})
        page = Page(self, number)
        seen: dict[str, list[str]] = {}
        try:
            yield page
        finally:
            seen |= self.command(number, "close", {})
        problems = [text for text in seen["problems"] if expected_problems is None or expected_problems not in text]
        if problems or seen["foreign"]:
            message = f"the page had errors: {problems}; it asked other hosts for: {seen['foreign']}"
            raise BrowserError(message)


class Page:
    """A tab, which waits a minute at most."""

    def __init__(self, browser: Browser, number: int) -> None:
        self._browser = browser
        self._number = number

    def _do(self, name: str, **values: Any) -> Any:
        return self._browser.command(self._number, name, values)

    def click(self, target: Target) -> None:
        self._do("click", target=_target(target))

    def click_button(self, name: str) -> None:
        self.click({"role": "button", "name": name})

    def fill(self, target: Target, value: str) -> None:
        self._do("fill", target=_target(target), value=value)

    def choose(self, target: Target, value: str) -> None:
        self._do("choose", target=_target(target), value=value)

    def press(self, keys: str) -> None:
        self._do("press", keys=keys)

    def type(self, text: str) -> None:
        self._do("type", text=text)

    def text(self, target: Target) -> str:
        found: str = self._do("text", target=_target(target))
        return found

    def texts(self, target: Target) -> list[str]:
        found: list[str] = self._do("texts", target=_target(target))
        return found

    def value(self, target: Target) -> str:
        found: str = self._do("value", target=_target(target))
        return found

    def enabled(self, target: Target) -> bool:
        found: bool = self._do("enabled", target=_target(target))
        return found

    def visible(self, target: Target) -> bool:
        found: bool = self._do("visible", target=_target(target))
        return found

    def wait(self, target: Target, state: str = "visible") -> None:
        self._do("wait", target=_target(target), state=state)

    def wait_for_text(self, css: str, text: str) -> None:
        """Waits until an element shows a text."""
        script = f"document.querySelector({json.dumps(css)})?.innerText.includes({json.dumps(text)})"
        try:
            self._do("until", script=script)
        except BrowserError as error:
            message = f"{css} does not show {text!r} but {self.texts(css)}"
            raise BrowserError(message) from error

    def until(self, script: str) -> None:
        self._do("until", script=script)

    def evaluate(self, script: str) -> Any:
        return self._do("evaluate", script=script)

    def goto(self, url: str) -> None:
        self._do("goto", url=url)

    def reload(self) -> None:
        self._do("reload")

    def picture(self, path: Path, *, whole: bool = True) -> None:
        self._do("picture", path=str(path), whole=whole)


def _target(target: Target) -> dict[str, Any]:
    if isinstance(target, str):
        return {"css": target}
    within = target.get("within")
    return target if within is None else {**target, "within": _target(within)}


@contextlib.contextmanager
def start_browser() -> Generator[Browser]:
    """Runs Chromium until the end of the block."""
    with subprocess.Popen(
        ["node", str(_SCRIPT), str(EXECUTABLE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield Browser(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(60)
            finally:
                process.kill()
