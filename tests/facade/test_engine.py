"""Which libraries carry the requests."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_SHOW = "import sys, mincloud; mincloud.MinCloud; print(*sorted({'httpcore', 'httpcore2'} & sys.modules.keys()))"


def _run(program: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "MINCLOUD_ENGINE"}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_httpx2_is_used_where_it_is_installed() -> None:
    assert _run(_SHOW).stdout == "httpcore2\n"


def test_httpx_is_used_where_httpx2_is_not_installed() -> None:
    assert _run(f"import sys; sys.modules['httpx2'] = None; {_SHOW}").stdout == "httpcore\n"


@pytest.mark.parametrize(("engine", "core"), [("httpx", "httpcore"), ("httpx2", "httpcore2")])
def test_the_environment_decides_between_the_two(engine: str, core: str) -> None:
    assert _run(_SHOW, MINCLOUD_ENGINE=engine).stdout == f"{core}\n"


def test_an_engine_that_there_is_not_is_an_error_that_names_those_there_are() -> None:
    ended = _run(_SHOW, MINCLOUD_ENGINE="curl")
    last = ended.stderr.splitlines()[-1]
    assert last == "mincloud.errors.ConfigurationError: MINCLOUD_ENGINE must be httpx or httpx2, not 'curl'"


def test_an_engine_that_is_not_installed_is_an_error_that_says_how_to_install_it() -> None:
    ended = _run(f"import sys; sys.modules['httpx2'] = None; {_SHOW}", MINCLOUD_ENGINE="httpx2")
    last = ended.stderr.splitlines()[-1]
    assert last == (
        "mincloud.errors.ConfigurationError: MINCLOUD_ENGINE is httpx2, which is not installed: pip install 'mincloud[httpx2]'"
    )
