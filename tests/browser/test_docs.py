"""The pages that `make docs` has built, opened as a site and as files."""

from __future__ import annotations

import functools
import http.server
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.test_layout import CONTRASTS, PHONE, overflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.browser.chromium import Browser

SITE = Path(__file__).resolve().parents[2] / "site"
PAGES = sorted(str(page.relative_to(SITE)) for page in SITE.rglob("*.html"))
CONTRACT = "openapi.html"
PICTURES = "[...document.images].filter((image) => !image.complete || !image.naturalWidth).map((image) => image.src)"


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name for it
        """Says nothing."""


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Silent, directory=SITE)) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_the_documentation_is_built() -> None:
    assert "index.html" in PAGES, "there is no site/index.html: run `make docs`"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_error_asks_no_other_host_and_fits_a_phone(site: str, browser: Browser, name: str) -> None:
    with browser.page(f"{site}/{name}", **PHONE) as page:
        page.wait("header" if name.endswith("search.html") else "h1")
        assert overflow(page) <= 0
        assert page.evaluate(PICTURES) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "name", ["tutorial.html", "guides/errors.html", "command-line.html", "reference/functions.html"]
)
def test_every_text_can_be_read(site: str, browser: Browser, name: str, scheme: str) -> None:
    with browser.page(f"{site}/{name}", colorScheme=scheme) as page:
        page.wait("h1")
        contrasts = [(text, round(ratio, 1)) for text, ratio in page.evaluate(CONTRASTS)]
        assert len(contrasts) > 50
        assert [(text, ratio) for text, ratio in contrasts if ratio < 4.5] == []


@pytest.mark.parametrize("origin", ["served", "file://"])
def test_searching_finds_a_page_and_a_name(site: str, browser: Browser, origin: str) -> None:
    start = site if origin == "served" else SITE.as_uri()
    with browser.page(f"{start}/index.html") as page:
        page.fill(".sidebar-search", "AmbiguousJob")
        page.press("Enter")
        page.wait_for_text("#search-results", "mincloud.AmbiguousJob")
        page.wait_for_text("#search-results", "Waiting")
        page.click({"text": "Waiting", "within": "#search-results"})
        page.wait_for_text("h1", "Waiting")


def test_from_files_the_pages_lead_to_each_other(browser: Browser) -> None:
    with browser.page(f"{SITE.as_uri()}/index.html") as page:
        page.click({"role": "link", "name": "Errors and retries", "within": "article"})
        page.wait_for_text("h1", "Errors and retries")
        page.click({"role": "link", "name": "AmbiguousJob", "within": ".error-tree"})
        page.until("location.hash === '#mincloud.AmbiguousJob'")
        page.goto(f"{SITE.as_uri()}/contract.html")
        page.click({"role": "link", "name": "Browse the contract"})
        page.wait_for_text("h1", "MinCloud cloud functions")


def test_what_is_to_be_typed_can_be_copied_and_what_is_printed_not(site: str, browser: Browser) -> None:
    with browser.page(f"{site}/tutorial.html") as page:
        page.wait("button.copybtn")
        for kind, expected in (("sh", True), ("python", True), ("text", False)):
            blocks = page.evaluate(f"document.querySelectorAll('.highlight-{kind}').length")
            buttons = page.evaluate(f"document.querySelectorAll('.highlight-{kind} button.copybtn').length")
            assert blocks > 0
            assert buttons == (blocks if expected else 0), kind


def test_the_contract_shows_an_operation_and_finds_one(site: str, browser: Browser) -> None:
    with browser.page(f"{site}/{CONTRACT}#/invocations/invokefunction") as page:
        page.wait_for_text("body", "Call a function")
        page.wait_for_text("body", "/oserve/v1.3/cloud-function/{function_name}/job/")
        page.goto(f"{site}/{CONTRACT}#/jobs/listjobs")
        page.wait_for_text("body", "created_at__gte")
        page.wait_for_text("body", "Inferred (description)")
        page.press("Control+k")
        page.until("document.activeElement.matches('input')")
        page.type("presigned")
        page.wait_for_text("body", "response 200 fields")
