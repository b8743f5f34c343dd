"""Names, results and logs with markup are shown as text, and the page can't send requests elsewhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.emulator.conftest import API, HELLO, WEB

if TYPE_CHECKING:
    from mincloud_emulator import Emulator
    from tests.browser.chromium import Browser, Page

MARKUP = "<img src=x onerror=\"document.title='owned'\">"
NAMES = [
    MARKUP,
    "</title><script>document.title='owned'</script>",
    "javascript:alert(1)",
    "../../_emulator/info",
    "a/b?c=d&e#f%2F%",
    "测试 – 云函数 🎈",
    "__proto__",
    "constructor",
    " leading and trailing ",
    "\u202eright to left",
    "{name}",
    "line\nbreak",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_shown_as_text_and_its_function_works(emulator: Emulator, page: Page, name: str) -> None:
    emulator.deploy(name, "exports.main = (event, callback) => callback(null, 'from ' + event.data.name)")
    page.wait("#function-list a")
    assert page.evaluate("document.querySelector('#function-list bdi').textContent") == name
    page.click("#function-list a")
    page.until("document.querySelector('#code').value.includes('from ')")
    assert page.evaluate("document.querySelector('#function-name').textContent") == name
    page.fill({"label": "Data (JSON)"}, json.dumps({"name": name}))
    page.click_button("Invoke")
    page.wait_for_text("#result", "code 0")
    shown = page.evaluate("document.querySelector('#result .value').textContent")
    assert json.loads(shown) == f"from {name}"
    page.wait("#log .entry")
    assert page.evaluate("document.querySelectorAll('main img, nav img, main script').length") == 0
    assert "owned" not in page.evaluate("document.title").replace(name, "")
    page.click("#delete")
    assert page.evaluate("document.querySelector('#ask-title').textContent") == f"Delete {name}?"
    page.click({"role": "button", "name": "Delete", "within": "#ask"})
    page.wait("#function-list a", "detached")


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_that_no_address_can_carry_is_explained(api: API, page: Page, name: str) -> None:
    assert api.create(name).status_code == 201
    page.click("#function-list a")
    page.wait_for_text("#welcome", f"A browser can't address a function named “{name}”. Rename it to see it here.")


def test_markup_in_code_data_results_errors_and_logs_stays_text(emulator: Emulator, page: Page) -> None:
    emulator.deploy(
        "fail",
        f"// {MARKUP}\nexports.main = (event, callback) => {{ console.warn(event.data.x); callback(new Error(event.data.x)) }}",
    )
    page.goto(f"{emulator.url}/#function=fail")
    page.fill({"label": "Data (JSON)"}, json.dumps({"x": MARKUP}))
    page.click_button("Invoke")
    page.wait_for_text("#result", MARKUP)
    page.wait_for_text("#log .warn", MARKUP)
    assert MARKUP in page.value({"label": "Code"})
    assert page.evaluate("document.querySelectorAll('main img').length") == 0
    assert page.evaluate("document.title") == "fail · MinCloud emulator"


def test_a_hostile_path_and_environment_are_text_in_the_list_of_requests(api: API, page: Page) -> None:
    page.wait_for_text("#connection", "connected")
    api.http.get(f"/oserve/v1.3/cloud-function/{quote(MARKUP, safe='')}/", headers={"X-Hydrogen-Env-ID": MARKUP})
    page.wait_for_text("#request-rows .path", MARKUP)
    page.wait_for_text("#request-rows .environment", MARKUP)
    assert page.evaluate("document.querySelectorAll('main img').length") == 0


@pytest.mark.parametrize(
    "place",
    [
        "function=%3Cimg%20src=x%3E&job=9",
        "function=nobody&job=-1",
        "environment=%00&function=",
        "%%%",
        "job=1e9",
        "main",
    ],
)
def test_any_address_opens_the_page(emulator: Emulator, page: Page, place: str) -> None:
    emulator.deploy("greet", HELLO)
    page.goto(f"{emulator.url}/#{place}")
    page.reload()
    page.wait_for_text("#connection", "connected")
    page.wait("#welcome")


def test_the_browser_is_told_to_run_nothing_but_the_pages_own_scripts(emulator: Emulator) -> None:
    answer = WEB.get(emulator.url)
    policy = answer.headers["content-security-policy"]
    for rule in (
        "default-src 'none'",
        "script-src 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ):
        assert rule in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    script = WEB.get(f"{emulator.url}/console/console.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"


def test_markup_made_of_a_string_and_a_request_elsewhere_are_blocked(emulator: Emulator, browser: Browser) -> None:
    with browser.page(emulator.console_url, expected_problems="") as page:
        made = "(() => { try { document.body.innerHTML = '<b>x</b>'; return 'made' } catch (error) { return error.name } })()"
        assert page.evaluate(made) == "TypeError"
        elsewhere = "fetch('http://127.0.0.1:9/').then(() => 'reached', error => error.name)"
        assert page.evaluate(elsewhere) == "TypeError"
