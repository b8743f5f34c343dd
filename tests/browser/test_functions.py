"""Functions on the page: choosing, reading, editing, deploying, creating and deleting them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.emulator.conftest import API, HELLO

if TYPE_CHECKING:
    from mincloud_emulator import Emulator
    from tests.browser.chromium import Browser, Page

ECHO = "exports.main = async function (event) { return event.data }"
NAME = {"label": "Name"}
CODE = {"label": "Code"}


def link(name: str) -> dict[str, object]:
    return {"role": "link", "name": name, "within": "#functions"}


def test_an_emulator_without_functions_says_how_to_get_some(emulator: Emulator, page: Page) -> None:
    page.wait({"role": "heading", "name": "No functions yet"})
    page.wait_for_text("#welcome-sample", emulator.access_token)
    assert page.text("#welcome-sample") == (
        f"export MINCLOUD_BASE_URL={emulator.url}\nexport MINCLOUD_ACCESS_TOKEN={emulator.access_token}"
    )


def test_a_function_is_created_deployed_and_called(emulator: Emulator, page: Page) -> None:
    page.click_button("New function")
    page.fill(NAME, "greet")
    page.click_button("Create")
    page.wait(link("greet"))
    page.wait_for_text("#function-name", "greet")
    page.until("document.querySelector('#code').value.includes('exports.main')")
    page.fill(CODE, ECHO)
    page.wait_for_text("#code-state", "edited, not deployed")
    page.wait_for_text("#function-list", "not deployed")
    page.click_button("Deploy")
    page.wait_for_text("#notices", "greet: deployed")
    assert emulator.calls == []
    page.fill({"label": "Data (JSON)"}, '{"username": "爱范儿"}')
    page.click_button("Invoke")
    page.wait_for_text("#result", "code 0")
    assert page.text("#result .value") == '{\n  "username": "爱范儿"\n}'
    page.wait_for_text("#log", "LOG return:  { error: {}, code: 0, data: { username: '爱范儿' } }")
    page.wait_for_text("#job-rows", "fulfilled")
    assert "not deployed" not in page.text("#function-list")


def test_a_name_that_is_taken_is_refused_and_the_function_stays(emulator: Emulator, browser: Browser) -> None:
    emulator.deploy("greet", HELLO)
    # Chromium itself notes the 409 on the console.
    with browser.page(emulator.console_url, expected_problems="409") as page:
        page.click_button("New function")
        page.fill(NAME, "greet")
        page.click_button("Create")
        page.wait_for_text("#ask-problem", "there is a function named 'greet' already: choose another name")
        page.press("Escape")
        page.wait("#ask", "hidden")
        page.click(link("greet"))
        page.until(f"document.querySelector('#code').value === {HELLO!r}".replace('"', "`"))


def test_a_function_is_deleted_only_after_it_was_confirmed(emulator: Emulator, api: API, page: Page) -> None:
    emulator.deploy("greet", HELLO)
    page.click(link("greet"))
    page.click("#delete")
    page.wait({"role": "dialog", "name": "Delete greet?"})
    page.click_button("Cancel")
    page.wait("#ask", "hidden")
    assert api.get("greet").status_code == 200
    page.click("#delete")
    page.click({"role": "button", "name": "Delete", "within": "#ask"})
    page.wait({"role": "heading", "name": "No functions yet"})
    assert api.get("greet").status_code == 404


def test_what_others_deploy_rename_and_delete_shows_at_once(emulator: Emulator, api: API, page: Page) -> None:
    page.wait("#welcome")
    api.create("greet", HELLO)
    page.click(link("greet"))
    page.until("document.querySelector('#code').value.includes('hello world')")
    api.update("greet", function_code=ECHO)
    page.until("document.querySelector('#code').value.includes('event.data')")
    emulator.stub("played", lambda _event: 1)
    page.wait(link("played stub"))
    api.update("greet", name="welcome")
    page.wait({"role": "heading", "name": "There is no function named greet here"})
    page.wait(link("welcome"))
    api.delete("welcome")
    page.until("!document.querySelector('#function-list').innerText.includes('welcome')")


def test_what_is_being_edited_is_not_lost_when_others_deploy(api: API, page: Page) -> None:
    api.create("greet", HELLO)
    page.click(link("greet"))
    page.until("document.querySelector('#code').value.includes('hello world')")
    page.fill(CODE, "// mine")
    assert not page.visible("#changed-elsewhere")
    api.update("greet", function_code=ECHO)
    page.wait("#changed-elsewhere")
    assert page.value(CODE) == "// mine"
    page.click_button("Discard changes")
    assert page.value(CODE) == ECHO
    assert not page.visible("#changed-elsewhere")


def test_a_draft_outlives_a_look_at_another_function(emulator: Emulator, page: Page) -> None:
    emulator.deploy("one", HELLO)
    emulator.deploy("two", ECHO)
    page.click(link("one"))
    page.until("document.querySelector('#code').value.includes('hello world')")
    page.fill(CODE, "// mine")
    page.click(link("two"))
    page.until("document.querySelector('#code').value.includes('event.data')")
    page.click({"role": "link", "name": "one not deployed"})
    page.until("document.querySelector('#code').value === '// mine'")


def test_the_editor_works_by_keyboard_and_lets_it_go(emulator: Emulator, api: API, page: Page) -> None:
    emulator.deploy("greet", HELLO)
    page.click(link("greet"))
    page.until("document.querySelector('#code').value.includes('hello world')")
    page.fill(CODE, "")
    page.click(CODE)
    page.press("Tab")
    page.type("// kept")
    assert page.value(CODE) == "  // kept"
    page.press("Control+s")
    page.wait_for_text("#notices", "greet: deployed")
    assert api.get("greet").json()["function_code"] == "  // kept"
    page.press("Escape")
    page.press("Tab")
    assert page.evaluate("document.activeElement.id") != "code"
    assert page.value(CODE) == "  // kept"


def test_each_environment_shows_its_own_functions(emulator: Emulator, page: Page) -> None:
    emulator.deploy("live", HELLO)
    emulator.deploy("trial", HELLO, environment="staging")
    page.wait(link("live"))
    page.until("document.querySelector('#environment').innerText.includes('staging')")
    page.choose({"label": "Environment"}, "staging")
    page.wait(link("trial"))
    assert page.texts("#function-list li") == ["trial"]
    page.click(link("trial"))
    page.click_button("Invoke")
    page.wait_for_text("#result", "hello world")
    assert [call.environment for call in emulator.calls] == ["staging"]
    page.choose({"label": "Environment"}, "Other…")
    page.fill({"label": "Environment id, as X-Hydrogen-Env-ID carries it"}, "new one")
    page.click_button("Show")
    page.wait({"role": "heading", "name": "No functions yet"})
    page.choose({"label": "Environment"}, "production")
    page.wait(link("live"))


def test_many_functions_are_found_by_a_part_of_their_name(emulator: Emulator, page: Page) -> None:
    for number in range(1005):
        emulator.deploy(f"function-{number}", HELLO)
    page.until("document.querySelectorAll('#function-list li').length === 1005")
    page.fill({"label": "Filter functions"}, "TION-100")
    page.wait_for_text("#function-count", "6 of 1005")
    found = {f"function-{number}" for number in (100, 1000, 1001, 1002, 1003, 1004)}
    assert set(page.texts("#function-list li")) == found


def test_both_languages_say_the_same_things(page: Page) -> None:
    texts: dict[str, dict[str, str]] = page.evaluate("import('/console/texts.js').then(module => module.languages)")
    assert list(texts["en"]) == list(texts["zh"])
    for key, english in texts["en"].items():
        assert set(re.findall(r"\{\w+\}", english)) == set(re.findall(r"\{\w+\}", texts["zh"][key])), key


def test_the_page_speaks_the_language_of_the_browser_until_another_is_chosen(
    emulator: Emulator, browser: Browser
) -> None:
    with browser.page(emulator.console_url, locale="zh-CN") as page:
        page.wait({"role": "heading", "name": "还没有云函数"})
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        page.click_button("English")
        page.wait({"role": "heading", "name": "No functions yet"})
        page.reload()
        page.wait({"role": "heading", "name": "No functions yet"})
