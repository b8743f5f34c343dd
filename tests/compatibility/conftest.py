"""A small project that has what this one has: a contract, packages, versions and changelogs."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING, Any

import pytest

from scripts.contract.document import CONTRACT, read_document

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "mincloud/__init__.py": '''
        """A client."""

        from ._version import VERSION as __version__
        from ._client import Client, Job, Kind, Run, Settings, State
        from ._client import load

        __all__ = ["Client", "Job", "Kind", "Run", "Settings", "State", "__version__", "load"]
    ''',
    "mincloud/_version.py": 'VERSION = "0.1.0"\n',
    "mincloud/_base.py": """
        class Base(Exception):
            def __init__(self, message: str) -> None:
                self.message = message
                self._hidden = message

            def explain(self) -> str: ...

            def __repr__(self) -> str: ...
    """,
    "mincloud/_client.py": """
        from dataclasses import dataclass, field
        from enum import StrEnum
        from typing import overload

        from mincloud_api.models.job import Job

        from ._base import Base

        SIZE = 20


        class Flow:
            ...


        class Kind(StrEnum):
            A = "a"


        class Client(Base):
            def call(self, name: str, /, data: dict[str, int] | None = None, *rest: int, size: int = SIZE) -> Job:
                ...

            @staticmethod
            async def later(**options: str) -> None:
                ...

            @property
            def state(self) -> str: ...

            @state.setter
            def state(self, value: str) -> None: ...

            @overload
            def get(self, name: str) -> int: ...
            @overload
            def get(self, name: int) -> str: ...
            def get(self, name: str | int) -> str | int: ...

            def _private(self) -> None: ...


        class Run:
            def __init__(self, flow: Flow, name: str) -> None:
                self.name = name


        @dataclass
        class Settings:
            name: str
            tags: list[str] = field(default_factory=list)


        class State(Client):
            ...


        def load(path: str, *, flow: Flow | None = None) -> Client: ...
    """,
    "generated/mincloud_api/__init__.py": "",
    "generated/mincloud_api/models/__init__.py": "",
    "generated/mincloud_api/models/job.py": """
        from attrs import define as _attrs_define
        from attrs import field as _attrs_field


        @_attrs_define
        class Job:
            id: int
            status: str | None = None
            url: str | None = _attrs_field(default=None, repr=False)
            tags: list[str] = _attrs_field(factory=list)
            rest: dict[str, int] = _attrs_field(init=False, factory=dict)
    """,
    "mincloud_emulator/__init__.py": """
        from .emulator import Emulator

        __all__ = ["Emulator"]
    """,
    "mincloud_emulator/emulator.py": """
        class Emulator:
            ...
    """,
    "mincloud_emulator/pytest_plugin.py": """
        from collections.abc import Iterator

        import pytest

        from .emulator import Emulator


        @pytest.fixture
        def mincloud_emulator(_session: Emulator) -> Iterator[Emulator]:
            yield _session
    """,
    "openapi/mincloud.yaml": """
        openapi: 3.0.3
        info: {title: Small, version: 0.1.0}
        servers: [{url: https://small.example}]
        paths:
          /jobs/:
            get:
              operationId: listJobs
              description: Lists them.
              parameters:
                - name: limit
                  in: query
                  schema: {type: integer}
              responses:
                "200": {description: Done.}
    """,
    "openapi/CHANGELOG.md": """
        # Changelog of the contract

        ## [0.1.0] - unreleased

        ### Added

        - The contract.
    """,
    "CHANGELOG.md": """
        # Changelog

        ## [0.1.0] - unreleased

        ### Added

        - The package.
    """,
}


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    document, problems = read_document(CONTRACT)
    assert problems == []
    return document


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return tmp_path
