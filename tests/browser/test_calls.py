"""Calls from the page: checked data, three ways to call, and unchanged results."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mincloud_emulator import Emulator
    from tests.browser.chromium import Browser, Page

DATA = {"label": "Data (JSON)"}

FAILING = """exports.main = async function (event) {
  const user = undefined
  return user.name
}"""


@pytest.fixture
def at_echo(emulator: Emulator, page: Page) -> Page:
    """The page with a function that returns its data."""
    emulator.deploy("echo", "exports.main = (event, callback) => callback(null, event.data)")
    page.goto(f"{emulator.url}/#function=echo")
    page.wait_for_text("#function-name", "echo")
    return page


def test_data_is_checked_while_it_is_typed(at_echo: Page) -> None:
    page = at_echo
    page.fill(DATA, '{"a": ')
    page.wait_for_text("#data-problem", "Not JSON: ")
    assert page.evaluate("document.querySelector('#data').getAttribute('aria-invalid')") == "true"
    assert [page.enabled(f"#{name}") for name in ("invoke", "trigger", "debug", "format")] == [False] * 4
    page.fill(DATA, "")
    page.wait_for_text("#data-problem", "it is empty")
    page.fill(DATA, "[1]")
    page.wait_for_text("#data-problem", "Only debug takes anything but an object.")
    assert [page.enabled(f"#{name}") for name in ("invoke", "trigger", "debug", "format")] == [False, False, True, True]
    page.fill(DATA, '{"a": 1}')
    assert page.text("#data-problem") == ""
    assert [page.enabled(f"#{name}") for name in ("invoke", "trigger", "debug", "format")] == [True] * 4


def test_data_is_laid_out_without_being_changed(at_echo: Page) -> None:
    page = at_echo
    page.fill(DATA, '{"n":12345678901234567890,"s":"a,{b}: \\"c\\"","e":[],"l":[1.0,{"x":{}}],"n":null}')
    page.click_button("Format")
    assert page.value(DATA) == (
        '{\n  "n": 12345678901234567890,\n  "s": "a,{b}: \\"c\\"",\n  "e": [],\n  "l": [\n    1.0,\n    {\n      "x": {}\n'
        '    }\n  ],\n  "n": null\n}'
    )


def test_long_numbers_reach_the_function_and_come_back_unrounded(emulator: Emulator, page: Page) -> None:
    emulator.stub("echo", lambda event: event["data"])
    page.goto(f"{emulator.url}/#function=echo")
    page.wait_for_text("#stub-note", "A stub in Python plays this function")
    page.fill(DATA, '{"n": 12345678901234567890}')
    page.click_button("Invoke")
    page.wait_for_text("#result", '"n": 12345678901234567890')
    assert emulator.calls[0].data == {"n": 12345678901234567890}


def test_an_error_is_shown_with_type_message_and_stack(emulator: Emulator, page: Page) -> None:
    emulator.deploy("fail", FAILING)
    page.goto(f"{emulator.url}/#function=fail")
    page.click_button("Invoke")
    page.wait_for_text("#result", "code 1")
    assert page.text("#result .error-message").startswith("TypeError: Cannot read propert")
    assert "fail.js:3" in page.text("#result .stack")
    assert re.search(r"\d (ms|s)\b", page.text("#result .outcome"))
    assert "MB" in page.text("#result .outcome")
    page.wait_for_text("#job-rows .bad", "failed")
    page.wait_for_text("#log .error", "TypeError")


def test_debug_calls_as_the_chosen_source_with_any_json(emulator: Emulator, at_echo: Page) -> None:
    page = at_echo
    page.fill(DATA, '"text"')
    page.choose("#subject", "timer")
    page.click_button("Debug")
    page.wait_for_text("#result", "code 0")
    assert page.text("#result .value") == '"text"'
    page.wait_for_text("#job-rows", "timer")
    assert [(call.data, call.source, call.sync) for call in emulator.calls] == [("text", "timer", True)]


def test_trigger_does_not_wait_and_shows_the_log_as_it_comes(emulator: Emulator, page: Page) -> None:
    release = threading.Event()
    emulator.deploy(
        "slow",
        "exports.main = async function (event) {\n"
        "  console.log('first')\n"
        "  while ((await BaaS.invoke('is-released', {})).data !== true) await new Promise(f => setTimeout(f, 20))\n"
        "  console.log('second')\n"
        "  return 1\n"
        "}",
    )
    emulator.stub("is-released", lambda _event: release.is_set())
    page.goto(f"{emulator.url}/#function=slow")
    page.click_button("Trigger")
    page.wait_for_text("#result", "Started job 1. Its log is shown as it comes.")
    page.wait_for_text("#log", "LOG first")
    page.wait_for_text("#log-state", "following")
    page.wait_for_text("#job-rows", "executing")
    assert "second" not in page.text("#log")
    # What was logged before the page was there is shown, too, and nothing twice.
    page.reload()
    page.wait_for_text("#log", "LOG first")
    page.wait_for_text("#job-rows", "executing")
    release.set()
    page.wait_for_text("#log", "LOG second")
    page.wait_for_text("#job-rows", "fulfilled")
    page.until("document.querySelector('#log-state').innerText === ''")
    assert page.text("#log").count("first") == 1


def test_data_is_kept_for_each_function_over_a_reload(at_echo: Page) -> None:
    page = at_echo
    page.fill(DATA, '{"kept": true}')
    page.reload()
    page.wait_for_text("#function-name", "echo")
    assert page.value(DATA) == '{"kept": true}'


def test_a_huge_result_is_cut_until_all_of_it_is_asked_for(emulator: Emulator, page: Page) -> None:
    emulator.stub("huge", lambda _event: "x" * 300_000)
    page.goto(f"{emulator.url}/#function=huge")
    page.click_button("Invoke")
    page.click_button("Show all 300,002 characters")
    assert page.evaluate("document.querySelector('#result .value').textContent.length") == 300_002


def test_a_call_that_is_refused_says_why(emulator: Emulator, browser: Browser) -> None:
    emulator.stub("echo", lambda event: event["data"])
    # Chromium itself notes the 400 on the console.
    with browser.page(emulator.console_url, expected_problems="400") as page:
        page.goto(f"{emulator.url}/#function=echo")
        page.wait_for_text("#function-name", "echo")
        emulator.fail_next(status=400, body={"error_msg": "任务调度失败"}, path="/_emulator/functions/echo/call")
        page.click_button("Invoke")
        page.wait_for_text("#result", "Not called: 任务调度失败")
        page.click_button("Invoke")
        page.wait_for_text("#result", "code 0")
