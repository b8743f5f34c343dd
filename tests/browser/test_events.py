"""Events while the page is open, and its state after a reload."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx

from mincloud_emulator import AddressError, Emulator
from tests.emulator.conftest import API, HELLO, console_client

if TYPE_CHECKING:
    from tests.browser.chromium import Browser, Page


def at(page: Page, emulator: Emulator, place: str) -> None:
    page.goto(f"{emulator.url}/#{place}")
    page.wait_for_text("#connection", "connected")


def test_a_call_from_elsewhere_shows_as_a_job_and_as_a_request(emulator: Emulator, api: API, page: Page) -> None:
    emulator.deploy("greet", HELLO)
    at(page, emulator, "function=greet")
    page.wait_for_text("#no-jobs", "Nobody has called this function yet.")
    page.wait_for_text("#no-requests", "No requests to the API yet.")
    api.invoke("greet")
    page.wait_for_text("#job-rows", "fulfilled")
    row = page.text("#job-rows tr")
    assert "open_api" in row
    assert "sync" in row
    assert re.search(r"\d (ms|s)\b", row)
    assert "MB" in row
    page.wait_for_text("#request-rows", "/oserve/v1.3/cloud-function/greet/job/")
    assert page.texts("#request-rows td.method") == ["POST"]
    api.get("nobody")
    page.wait_for_text("#request-rows .odd", "404")
    page.reload()
    page.until("document.querySelectorAll('#request-rows tr').length === 2")


def test_a_job_that_is_chosen_shows_its_log(emulator: Emulator, api: API, page: Page) -> None:
    emulator.stub("greet", lambda event: event["data"])
    api.invoke("greet", {"number": "one"})
    api.invoke("greet", {"number": "two"})
    at(page, emulator, "function=greet")
    page.wait_for_text("#log-state", "Choose a job to read its log.")
    page.click({"role": "link", "name": "1", "within": "#job-rows"})
    page.wait_for_text("#log", "one")
    assert page.text("#log-title") == "Log of job 1"
    page.click("#job-rows tr:first-child td.status, #job-rows tr:first-child td.state")
    page.wait_for_text("#log", "two")
    assert page.evaluate("location.hash") == "#function=greet&job=2"


def test_a_reload_keeps_the_place(emulator: Emulator, page: Page) -> None:
    emulator.stub("a b/c&d=#e%", lambda event: event["data"], environment="测试")
    with console_client(emulator) as console:
        address = f"/functions/{quote('a b/c&d=#e%', safe='')}/call"
        console.post(address, params={"environment": "测试"}, json={"data": {"number": "one"}})
    page.until("document.querySelector('#environment').innerText.includes('测试')")
    page.choose({"label": "Environment"}, "测试")
    page.click({"role": "link", "name": "a b/c&d=#e% stub"})
    page.click("#job-rows a")
    page.wait_for_text("#log", "one")
    page.reload()
    page.wait_for_text("#log", "one")
    assert page.text("#function-name") == "a b/c&d=#e%"
    assert page.text("#log-title") == "Log of job 1"


def test_older_jobs_are_read_on_demand_and_new_ones_keep_their_place(emulator: Emulator, api: API, page: Page) -> None:
    emulator.stub("greet", lambda _event: 1)
    for _ in range(60):
        api.invoke("greet")
    at(page, emulator, "function=greet")
    page.until("document.querySelectorAll('#job-rows tr').length === 50")
    page.wait_for_text("#job-count", "60 in all")
    page.click_button("Show older jobs")
    page.until("document.querySelectorAll('#job-rows tr').length === 60")
    assert not page.visible("#more-jobs")
    api.invoke("greet")
    page.wait_for_text("#job-count", "61 in all")
    numbers = [int(text) for text in page.texts("#job-rows td.id")]
    assert numbers == list(range(61, 0, -1))


def test_what_happens_while_the_page_reads_is_shown_once(emulator: Emulator, api: API, browser: Browser) -> None:
    """Events are delayed until the page has read everything, and much of it is in what was read."""
    emulator.stub("greet", lambda _event: 1)
    emulator.delay(1, path="/_emulator/requests")
    with browser.page(emulator.console_url) as page:
        page.wait_for_text("#function-list", "greet")  # so it follows the events already
        for _ in range(60):
            api.invoke("greet")
        at(page, emulator, "function=greet")
        api.invoke("greet")
        page.wait_for_text("#job-count", "61 in all")
        page.until("document.querySelectorAll('#request-rows tr').length === 61")
        assert len(page.texts("#job-rows tr")) == 50
        page.click_button("Show older jobs")
        page.until("document.querySelectorAll('#job-rows tr').length === 61")
        assert page.text("#job-count") == "61 in all"


def test_lines_that_are_logged_while_the_page_reads_are_shown_once(
    emulator: Emulator, api: API, browser: Browser
) -> None:
    emulator.deploy("talk", "exports.main = () => { let n = 0; setInterval(() => console.log('line', n++), 50) }")
    api.invoke("talk", sync=False)
    # The log is read some time after the page began to follow the events, and the events are looked at later still.
    emulator.delay(1, path="/_emulator/functions")
    emulator.delay(2, path="/_emulator/requests")
    with browser.page(f"{emulator.console_url}&function=talk&job=1") as page:
        page.wait_for_text("#connection", "connected")
        page.wait_for_text("#log", "line 60")
        lines = re.findall(r"line \d+", page.text("#log"))
    assert lines == [f"line {number}" for number in range(len(lines))]


def test_a_flood_of_calls_and_lines_leaves_the_page_right(emulator: Emulator, api: API, page: Page) -> None:
    emulator.deploy(
        "flood",
        "exports.main = (event, back) => { for (let i = 0; i < 4000; i++) console.log('line', i); back(null, 1) }",
    )
    emulator.stub("greet", lambda _event: 1)
    at(page, emulator, "function=flood")
    api.invoke("flood", sync=False)
    for _ in range(150):
        api.invoke("greet")
    emulator.settle(60)
    page.click("#job-rows a")
    page.wait_for_text("#log", "line 3999")
    page.wait_for_text("#log .cut", "2002 earlier entries are left out here.")
    page.wait_for_text("#job-rows", "fulfilled")
    assert page.evaluate("document.querySelectorAll('#log .entry').length") == 2000


def start_at_a_port_of_its_own() -> Emulator:
    """Returns a port below the system's ephemeral ports, so that nothing else takes it while no emulator runs."""
    for port in range(20_000, 32_000, 10):
        with contextlib.suppress(AddressError):
            return Emulator(port=port).start()
    raise AssertionError("no port is free")


def test_the_page_says_when_the_emulator_is_gone_and_comes_back_with_it(browser: Browser) -> None:
    with contextlib.closing(start_at_a_port_of_its_own()) as first:
        port = httpx.URL(first.url).port or 0
        first.deploy("old", HELLO)
        # Chromium notes each failed attempt and each refusal on the console.
        with browser.page(first.console_url, expected_problems="") as page:
            page.wait_for_text("#function-list", "old")
            page.wait_for_text("#connection", "connected")
            first.close()
            page.wait_for_text("#connection", "The emulator does not answer. Trying again…")
            with Emulator(port=port) as second:
                second.deploy("new", HELLO)
                page.fill("#ask-input", "of the one before")
                page.click_button("Connect")
                page.wait_for_text("#ask-problem", "This is not the key of the emulator that runs now.")
                page.fill("#ask-input", second.console_url)
                page.click_button("Connect")
                page.wait_for_text("#notices", "The emulator was started anew.")
                page.wait_for_text("#function-list", "new")
                assert page.texts("#function-list li") == ["new"]
                page.wait_for_text("#connection", "connected")


def test_a_reset_leaves_nothing_on_the_page(emulator: Emulator, api: API, browser: Browser) -> None:
    emulator.stub("greet", lambda _event: 1)
    api.invoke("greet")
    # What the page asked for when the reset came may be answered that it is gone.
    with browser.page(emulator.console_url, expected_problems="404") as page:
        at(page, emulator, "function=greet&job=1")
        page.wait_for_text("#log", "LOG return:  { error: {}, code: 0, data: 1 }")
        emulator.reset()
        page.wait_for_text("#notices", "The emulator was reset.")
        page.wait({"role": "heading", "name": "There is no function named greet here"})
        assert page.texts("#request-rows tr") == []


def test_an_open_page_takes_no_fault_that_is_meant_for_a_client(emulator: Emulator, api: API, page: Page) -> None:
    emulator.deploy("greet", HELLO)
    at(page, emulator, "function=greet")
    emulator.fail_next(status=503)
    page.reload()
    page.wait_for_text("#function-name", "greet")
    assert api.get("greet").status_code == 503
    page.wait_for_text("#request-rows .bad", "503")


def test_the_key_is_taken_out_of_the_address_and_kept_for_the_tab(emulator: Emulator, browser: Browser) -> None:
    emulator.deploy("greet", HELLO)
    with browser.page(f"{emulator.console_url}&function=greet") as page:
        page.wait_for_text("#function-name", "greet")
        assert page.evaluate("location.href") == f"{emulator.url}/#function=greet"
        assert emulator.console_key not in page.evaluate("document.documentElement.outerHTML + document.cookie")
        assert page.evaluate("history.length") <= 2  # that of the empty tab, and this page's
        page.reload()
        page.wait_for_text("#function-list", "greet")


def test_without_its_key_the_page_asks_for_it_and_shows_nothing(emulator: Emulator, browser: Browser) -> None:
    emulator.deploy("greet", HELLO)
    with browser.page(emulator.url, expected_problems="401") as page:
        page.wait({"role": "dialog", "name": "Key of the emulator"})
        assert page.texts("#function-list li") == []
        page.fill("#ask-input", emulator.console_key)
        page.click_button("Connect")
        page.wait_for_text("#function-list", "greet")
    with browser.page(emulator.url, expected_problems="401") as page:
        page.wait({"role": "dialog", "name": "Key of the emulator"})
        page.goto(emulator.console_url)  # to the same page: only what follows the # is another
        page.wait_for_text("#function-list", "greet")


def test_the_token_is_asked_for_where_it_is_needed(emulator: Emulator, browser: Browser) -> None:
    emulator.deploy("greet", HELLO)
    # What a page on another machine is answered until it has a token; here every machine is this one.
    emulator.fail_next(status=401, body={"error_msg": "token"}, path="/_emulator/events", times=2)
    with browser.page(emulator.console_url, expected_problems="401") as page:
        page.fill("#ask-input", "wrong")
        page.click_button("Connect")
        page.wait_for_text("#ask-problem", "The emulator does not accept this token.")
        page.fill("#ask-input", emulator.access_token)
        page.click_button("Connect")
        page.wait_for_text("#function-list", "greet")
        assert emulator.access_token not in page.evaluate("location.href + document.cookie")
