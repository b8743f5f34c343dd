"""The page on a phone, in the dark theme, and with only a keyboard."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.emulator.conftest import API, HELLO

if TYPE_CHECKING:
    from mincloud_emulator import Emulator
    from tests.browser.chromium import Browser, Page

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "hasTouch": True, "isMobile": True}
# Without a place where a line would break by itself.
LONG = "a_function_with_a_name_that_is_far_too_long_for_a_phone_" * 3

# Relative luminance and contrast as WCAG 2 defines them, of every text on the page that can be seen.
CONTRASTS = """(() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 })
  const context = canvas.getContext("2d", { willReadFrequently: true })
  const rgba = (color) => {
    context.clearRect(0, 0, 1, 1)
    context.fillStyle = color
    context.fillRect(0, 0, 1, 1)
    return [...context.getImageData(0, 0, 1, 1).data]
  }
  const luminance = (color) => {
    const [r, g, b] = rgba(color).map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = getComputedStyle(node).backgroundColor
      if (rgba(color)[3] === 255) return color
    }
    return getComputedStyle(document.body).backgroundColor
  }
  const found = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest(":disabled, noscript, option")) continue
    const [one, other] = [luminance(getComputedStyle(node).color), luminance(ground(node))].sort((a, b) => b - a)
    found.push([walker.currentNode.data.trim().slice(0, 40), (one + 0.05) / (other + 0.05)])
  }
  return found
})()"""


def fill_emulator(emulator: Emulator, api: API) -> None:
    emulator.deploy(
        "fail", "exports.main = async () => { console.warn('x'.repeat(300)); throw new Error('y'.repeat(300)) }"
    )
    emulator.deploy(LONG, HELLO)
    emulator.stub("greet", lambda event: event["data"])
    api.invoke("fail")
    api.invoke("fail", sync=False)
    api.debug("fail", data={}, subject="wechat_pay_success")
    api.get("z" * 200)
    emulator.settle(60)


def overflow(page: Page) -> int:
    found: int = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return found


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_on_a_phone_nothing_is_wider_than_the_screen(
    emulator: Emulator, api: API, browser: Browser, locale: str
) -> None:
    fill_emulator(emulator, api)
    with browser.page(emulator.console_url, **PHONE, locale=locale) as page:
        page.wait("#function-list li:nth-child(3)")
        page.wait("#request-rows tr")
        assert overflow(page) <= 0
        assert page.evaluate("window.innerWidth") == 390
        page.goto(f"{emulator.url}/#function=fail")
        page.wait("#job-rows tr:nth-child(3)")
        page.click("#invoke")
        page.wait("#result .error-message")
        page.wait("#log .error")
        assert overflow(page) <= 0
        # The list of functions gives way to the function, with a way back.
        assert not page.visible("#functions")
        page.click("#back")
        page.wait("#functions")
        page.goto(f"{emulator.url}/#function={LONG}")
        page.wait_for_text("#function-name", LONG)
        assert overflow(page) <= 0
        page.click("#delete")
        page.wait("#ask")
        assert overflow(page) <= 0


def test_on_a_phone_a_job_that_is_chosen_brings_its_log_into_view(
    emulator: Emulator, api: API, browser: Browser
) -> None:
    fill_emulator(emulator, api)
    with browser.page(emulator.console_url, **PHONE) as page:
        page.goto(f"{emulator.url}/#function=fail")
        page.wait("#job-rows tr:nth-child(3)")
        page.click("#job-rows tr:nth-child(2) a")
        page.wait("#log .error")
        page.until(
            "(({top}) => top >= 0 && top < innerHeight / 2)(document.querySelector('#log-card').getBoundingClientRect())"
        )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_can_be_read_in_light_and_in_dark(
    emulator: Emulator, api: API, browser: Browser, scheme: str
) -> None:
    fill_emulator(emulator, api)
    # Without movement, which would be measured half way.
    with browser.page(emulator.console_url, colorScheme=scheme, reducedMotion="reduce") as page:
        page.goto(f"{emulator.url}/#function=fail")
        page.click("#job-rows tr:first-child a")
        page.wait("#log .error")
        page.click("#invoke")
        page.wait("#result .error-message")
        page.fill("#code", "// edited")
        contrasts = page.evaluate(CONTRASTS)
        assert len(contrasts) > 50
        assert [text for text, contrast in contrasts if contrast < 4.5] == []
        luminous = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(json.loads(luminous.replace("rgb(", "[").replace(")", "]"))) < 200) == (scheme == "dark")


def test_every_control_has_a_name(emulator: Emulator, api: API, page: Page) -> None:
    fill_emulator(emulator, api)
    page.goto(f"{emulator.url}/#function=fail")
    page.wait("#job-rows tr:nth-child(3)")
    nameless = page.evaluate(
        "[...document.querySelectorAll('button, input, select, textarea, a, summary, table, [role=log]')]"
        ".filter(node => node.checkVisibility())"
        ".filter(node => !(node.getAttribute('aria-label') || node.innerText?.trim() || node.labels?.length"
        " || document.getElementById(node.getAttribute('aria-labelledby'))?.innerText)).map(node => node.outerHTML)"
    )
    assert nameless == []


def test_a_function_is_chosen_and_called_by_keyboard_alone(emulator: Emulator, page: Page) -> None:
    emulator.stub("greet", lambda event: event["data"])
    page.wait("#function-list a")

    def tab_to(script: str) -> None:
        for _ in range(40):
            page.press("Tab")
            if page.evaluate(f"(node => {script})(document.activeElement)"):
                return
        message = f"Tab never reached {script}"
        raise AssertionError(message)

    tab_to("node.matches('#function-list a')")
    page.press("Enter")
    page.wait_for_text("#function-name", "greet")
    tab_to("node.id === 'data'")
    page.press("Control+a")
    page.type('{"by": "keyboard"}')
    page.press("Control+Enter")
    page.wait_for_text("#result", '"by": "keyboard"')
    page.wait("#job-rows a")
    tab_to("node.matches('#job-rows a')")
    page.press("Enter")
    page.wait_for_text("#log", "keyboard")


def test_on_a_phone_the_head_of_the_page_is_one_line(emulator: Emulator, browser: Browser) -> None:
    for locale in ("en-GB", "zh-CN"):
        with browser.page(emulator.console_url, **PHONE, locale=locale) as page:
            page.until("document.querySelector('#connection').dataset.state === 'connected'")
            assert page.evaluate("document.querySelector('.top').offsetHeight") < 60
