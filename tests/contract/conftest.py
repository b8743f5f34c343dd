"""The contract, for the tests that hold it to its rules and its sources."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.contract.document import CONTRACT, read_document


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    document, problems = read_document(CONTRACT)
    assert problems == []
    return document
