"""Takes the picture of the emulator's page for the documentation: `docs/images/console.png`.

Real functions are deployed on a real emulator and called, and headless Chromium looks at the page (`make picture` installs it).
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from mincloud import FunctionError, MinCloud
from mincloud_emulator import Emulator
from scripts import ROOT
from tests.browser.chromium import EXECUTABLE, start_browser

PICTURE = ROOT / "docs" / "images" / "console.png"
GREET = ROOT / "examples" / "functions" / "greet"
REPORT = """\
// Adds up what was sold in a month.
exports.main = async function report(event) {
  const { month } = event.data
  if (!(month >= 1 && month <= 12)) throw new RangeError(`there is no month ${month}`)
  console.log('adding up month', month)
  return { month, total: 1250 * month }
}
"""


def fill(emulator: Emulator) -> None:
    """Deploys functions and calls them, so that there is something to see."""
    with MinCloud(base_url=emulator.url, access_token=emulator.access_token) as cloud:
        cloud.functions.deploy("greet", GREET, remark="says hello")
        cloud.functions.deploy("report", REPORT)
        for username in ("爱范儿", "Lin", "知晓云"):
            cloud.functions.invoke("greet", {"username": username})
        cloud.functions.invoke("report", {"month": 9})
        with suppress(FunctionError):
            cloud.functions.invoke("greet")
        cloud.functions.trigger("greet", {"username": "小明", "delay": 120})
        emulator.settle()


def main() -> int:
    """Takes the picture; returns the exit status."""
    if not EXECUTABLE.exists():
        sys.stderr.write(f"screenshot_console: {EXECUTABLE} is missing: `make picture` installs it\n")
        return 1
    with Emulator() as emulator, start_browser() as browser:
        settings: dict[str, Any] = {
            "viewport": {"width": 1440, "height": 740},
            "colorScheme": "light",
            "timezoneId": "Asia/Shanghai",
        }
        with browser.page(emulator.console_url, **settings) as page:
            fill(emulator)
            page.goto(f"{emulator.url}/#function=greet")
            page.wait("#job-rows tr:nth-child(5)")
            page.wait("#request-rows tr")
            page.fill("#data", '{\n  "username": "爱范儿"\n}')
            page.click_button("Invoke")
            page.wait_for_text("#result", "greeting")
            page.click("#job-rows tr:nth-child(2) a, #job-rows tr:nth-child(2) button")
            page.wait_for_text("#log", "greeting 小明")
            page.picture(PICTURE, whole=False)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
