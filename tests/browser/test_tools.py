"""The tools of the page: running a job again, filters, copying a call, highlighting, and the difference before a deployment."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.test_hostile_input import MARKUP
from tests.browser.test_layout import PHONE
from tests.emulator.conftest import API

if TYPE_CHECKING:
    from mincloud_emulator import Emulator
    from tests.browser.chromium import Browser, Page

DATA = {"label": "Data (JSON)"}
CODE = {"label": "Code"}
ALLOWED: dict[str, Any] = {"permissions": ["clipboard-read", "clipboard-write"]}


@pytest.fixture
def at_echo(emulator: Emulator, page: Page) -> Page:
    """The page with a function that returns its data."""
    emulator.stub("echo", lambda event: event["data"])
    page.goto(f"{emulator.url}/#function=echo")
    page.wait_for_text("#function-name", "echo")
    return page


def test_a_past_job_is_run_again_with_its_data_or_after_it_was_edited(
    emulator: Emulator, api: API, at_echo: Page
) -> None:
    page = at_echo
    deep = {"a": {"b": {"c": {"d": 12345678901234567890, "e": MARKUP}}}}
    api.invoke("echo", deep)
    api.debug("echo", data=[1], subject="timer")
    api.invoke("echo", {"later": True}, sync=False)
    page.fill(DATA, '{"mine": 1}')
    page.click({"role": "link", "name": "1", "within": "#job-rows"})
    page.click_button("Run again")
    page.wait_for_text("#result", "12345678901234567890")
    page.wait_for_text("#job-count", "4 in all")
    page.click({"role": "link", "name": "2", "within": "#job-rows"})
    page.click_button("Run again")
    page.wait_for_text("#job-count", "5 in all")
    page.click({"role": "link", "name": "3", "within": "#job-rows"})
    page.click_button("Run again")
    page.wait_for_text("#result", "Started job 6")
    emulator.settle()
    calls = [(call.data, call.sync, call.source) for call in emulator.calls]
    assert calls[3:] == calls[:3]
    assert page.value(DATA) == '{"mine": 1}'
    page.click({"role": "link", "name": "1", "within": "#job-rows"})
    page.click_button("Edit data")
    page.until("document.querySelector('#data').value.includes('12345678901234567890')")
    page.fill(DATA, page.value(DATA).replace("12345678901234567890", "2"))
    page.click_button("Invoke")
    page.wait_for_text("#job-count", "7 in all")
    assert emulator.calls[-1].data["a"]["b"]["c"] == {"d": 2, "e": MARKUP}


def test_jobs_are_found_by_status_and_by_a_text_in_their_log(emulator: Emulator, api: API, page: Page) -> None:
    emulator.stub("half", lambda event: 1 / event["data"]["by"])
    for by in (1, 0, 2):
        api.invoke("half", {"by": by})
    page.goto(f"{emulator.url}/#function=half")
    page.wait("#job-rows tr:nth-child(3)")
    page.choose({"label": "Only jobs with this status"}, "failed")
    page.wait_for_text("#job-count", "1 in all")
    assert page.texts("#job-rows td.id") == ["2"]
    # A job that comes meanwhile is shown if it is such a one.
    api.invoke("half", {"by": 5})
    api.invoke("half", {"by": 0})
    page.wait_for_text("#job-count", "2 in all")
    assert page.texts("#job-rows td.id") == ["5", "2"]
    page.choose({"label": "Only jobs with this status"}, "any status")
    page.fill({"label": "Search logs"}, "BY: 2")
    page.wait_for_text("#job-count", "1 in all")
    assert page.texts("#job-rows td.id") == ["3"]
    page.fill({"label": "Search logs"}, MARKUP)
    page.wait_for_text("#no-jobs", "No job has that status and that text in its log.")
    page.fill({"label": "Search logs"}, "")
    page.wait_for_text("#job-count", "5 in all")


def test_changes_are_shown_before_they_are_deployed(emulator: Emulator, api: API, page: Page) -> None:
    lines = [f"// line {number}" for number in range(40)]
    emulator.deploy("greet", "\n".join(lines))
    page.goto(f"{emulator.url}/#function=greet")
    page.until("document.querySelector('#code').value.includes('line 39')")
    assert not page.visible("#changes")
    lines[20:21] = [MARKUP, "// two"]
    del lines[30]
    page.fill(CODE, "\n".join(lines))
    page.click("#changes")
    assert page.texts("#difference .old") == ["- // line 20", "- // line 29"]
    assert page.texts("#difference .new") == [f"+ {MARKUP}", "+ // two"]
    assert page.texts("#difference .cut") == ["unchanged lines: 17", "unchanged lines: 2", "unchanged lines: 7"]
    assert page.evaluate("document.querySelectorAll('#difference img').length") == 0
    page.fill(CODE, "\n".join([*lines, "// end"]))
    page.wait_for_text("#difference", "+ // end")
    assert "line 20" in api.get("greet").json()["function_code"]
    page.click_button("Deploy")
    page.wait("#difference", "hidden")
    assert api.get("greet").json()["function_code"].endswith("// end")


def test_code_is_shown_in_colours_and_stays_text(emulator: Emulator, page: Page) -> None:
    code = (
        f"// {MARKUP}\nconst a = `${{1}}` + '</pre><script>document.title=1</script>'\nfunction f () {{ return /x/ }}\n"
    )
    emulator.deploy("greet", code)
    page.goto(f"{emulator.url}/#function=greet")
    page.wait("#colours .t-keyword")
    assert page.evaluate("document.querySelector('#colours').textContent") == f"{code}\n"
    assert page.evaluate("document.querySelectorAll('#colours img, #colours script').length") == 0
    kinds = page.evaluate("[...new Set([...document.querySelectorAll('#colours span')].map(node => node.className))]")
    assert {"t-comment", "t-keyword", "t-string", "t-function", "t-regex"} <= set(kinds)
    # The text that is seen stands where the one is that is edited.
    page.fill(CODE, "x = 1\n" * 200 + "y".rjust(500) + " = 2")
    page.press("Control+End")
    page.until("document.querySelector('#colours').scrollTop === document.querySelector('#code').scrollTop")
    assert page.evaluate("document.querySelector('#colours').scrollLeft === document.querySelector('#code').scrollLeft")
    font = "(node => ['fontSize', 'lineHeight', 'fontFamily', 'paddingLeft', 'tabSize'].map(k => getComputedStyle(node)[k]).join())"
    same = f"{font}(document.querySelector('#colours')) === {font}(document.querySelector('#code'))"
    assert page.evaluate(same)
    # More than can be coloured at once is shown plainly.
    page.fill(CODE, "x" * 300_000)
    page.until("!document.querySelector('#editor').classList.contains('coloured')")


def test_code_that_does_not_parse_is_said_on_the_page(emulator: Emulator, page: Page) -> None:
    emulator.deploy("greet", "exports.main = (")
    page.goto(f"{emulator.url}/#function=greet")
    page.wait_for_text("#syntax-note", "This code can't be read: line 1: SyntaxError")
    page.fill(CODE, "exports.main = async () => 1")
    page.click_button("Deploy")
    page.wait("#syntax-note", "hidden")


def test_a_call_is_copied_as_a_program_and_as_a_command_that_do_the_same(emulator: Emulator, browser: Browser) -> None:
    name = "it's $HOME `x` !\"\\"
    emulator.stub(name, lambda event: event["data"], environment="staging")
    data = {"text": 'it\'s $HOME \\ "爱"\n😀 </script>', "list": [True, False, None, 1.5], "true": "null"}
    sent = json.dumps(data).replace("/", "\\/")
    with browser.page(emulator.console_url, **ALLOWED) as page:
        page.until("document.querySelector('#environment').innerText.includes('staging')")
        page.choose({"label": "Environment"}, "staging")
        page.click("#function-list a")
        page.fill(DATA, sent)
        copied: dict[str, str] = {}
        for kind in ("Python", "curl"):
            page.click_button(f"Copy as {kind}")
            page.wait_for_text("#notices", "Copied.")
            copied[kind] = page.evaluate("navigator.clipboard.readText()")
        assert emulator.access_token not in str(copied)
    variables = {"MINCLOUD_BASE_URL": emulator.url, "MINCLOUD_ACCESS_TOKEN": emulator.access_token, "PYTHONUTF8": "1"}
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/nonexistent", **variables}
    for command in ([sys.executable, "-W", "error", "-c", copied["Python"]], ["bash", "-c", copied["curl"]]):
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=50)
    assert [call.data for call in emulator.calls] == [data, data]
    assert {(call.function, call.environment, call.sync) for call in emulator.calls} == {(name, "staging", True)}


def test_light_and_dark_are_switched_and_kept(page: Page) -> None:
    def look() -> tuple[str, str]:
        scheme = page.evaluate("getComputedStyle(document.documentElement).colorScheme")
        return scheme, page.evaluate("getComputedStyle(document.body).backgroundColor")

    page.wait_for_text("#connection", "connected")
    assert look() == ("light dark", "rgb(244, 246, 247)")
    page.click({"role": "button", "name": "Light or dark: as the system"})
    assert look() == ("light", "rgb(244, 246, 247)")
    page.click({"role": "button", "name": "Light or dark: light"})
    assert look() == ("dark", "rgb(18, 24, 27)")
    page.reload()
    page.wait_for_text("#connection", "connected")
    assert look() == ("dark", "rgb(18, 24, 27)")
    page.click({"role": "button", "name": "Light or dark: dark"})
    assert look()[0] == "light dark"


def test_what_was_said_is_said_in_the_language_that_is_chosen_later(emulator: Emulator, at_echo: Page) -> None:
    page = at_echo
    page.click_button("Trigger")
    page.wait_for_text("#result", "Started job 1.")
    page.evaluate("import('/console/elements.js').then(m => m.notify('deleted', { name: '{name}' }, { error: true }))")
    page.wait_for_text("#notices", "{name} was deleted.")
    page.click("#language")
    page.wait_for_text("#result", "已启动任务 1")
    page.wait_for_text("#notices", "已删除 {name}。")
    page.wait_for_text("#job-status", "全部状态")
    page.click("#language")
    page.wait_for_text("#result", "Started job 1.")
    page.wait_for_text("#notices", "{name} was deleted.")


@pytest.mark.parametrize("options", [{}, PHONE, {"viewport": {"width": 1920, "height": 1080}}])
def test_notices_cover_nothing_of_the_function(
    emulator: Emulator, api: API, browser: Browser, options: dict[str, Any]
) -> None:
    emulator.stub("echo", lambda event: event["data"])
    api.invoke("echo", {"text": "x" * 5000})
    with browser.page(emulator.console_url, **options) as page:
        page.goto(f"{emulator.url}/#function=echo&job=1")
        page.wait("#log .entry")
        notify = (
            "import('/console/elements.js').then(m => m.notify('deleted', { name: 'x'.repeat(90) }, { error: true }))"
        )
        for _ in range(3):
            page.evaluate(notify)
        page.evaluate("document.querySelector('#log-card').scrollIntoView({ block: 'end' })")
        covered = page.evaluate(
            "(() => { const box = selector => document.querySelector(selector).getBoundingClientRect();"
            " const [one, other, head] = [box('#notices'), box('#log-card'), box('.top')];"
            " return one.left < other.right && other.left < one.right"
            " && one.top < other.bottom && Math.max(other.top, head.bottom) < one.bottom })()"
        )
        assert covered is False


def test_the_row_of_a_request_opens(emulator: Emulator, api: API, page: Page) -> None:
    emulator.stub("echo", lambda event: event["data"])
    page.wait_for_text("#connection", "connected")
    api.invoke("echo", {"text": MARKUP})
    api.jobs("echo", limit=7)
    page.wait("#request-rows tr:nth-child(2)")
    page.click("#request-rows tr:nth-child(2) .path button")
    page.wait_for_text("#request-rows .exchange", "Body answered")
    shown = page.text("#request-rows .exchange")
    assert json.dumps(MARKUP) in shown
    assert "content-type: application/json" in shown
    assert emulator.access_token not in shown
    assert page.evaluate("document.querySelectorAll('#request-rows img').length") == 0
    # It stays open, in its place, when other requests come.
    api.list()
    page.until("document.querySelectorAll('#request-rows tr.request').length === 3")
    assert page.evaluate("document.querySelector('#request-rows tr:nth-child(4)').className") == "detail"
    page.click("#request-rows tr:nth-child(2) .path button")
    page.wait_for_text("#request-rows tr:nth-child(3) .exchange", "limit=7")
    page.click("#request-rows tr:nth-child(2) .path button")
    page.until("document.querySelectorAll('#request-rows .exchange').length === 1")
