"""The public names as stubs: what a small project's users hold on to, and no more."""

from __future__ import annotations

from pathlib import Path

from scripts import ROOT
from scripts.compatibility.public_names import public_names

CLIENT = """\
class Client(Exception):
    def __init__(self, message: str) -> None: ...
    def call(self, name: str, /, data: dict[str, int] | None = None, *rest: int, size: int = 20) -> Job: ...
    def explain(self) -> str: ...
    @overload
    def get(self, name: str) -> int: ...
    @overload
    def get(self, name: int) -> str: ...
    def get(self, name: str | int) -> str | int: ...
    @staticmethod
    async def later(**options: str) -> None: ...
    message: str
    @property
    def state(self) -> str: ...
    @state.setter
    def state(self, value: str) -> None: ...

class Job:
    def __init__(self, *, id: int, status: str | None = None, url: str | None = None, tags: list[str] = list()) -> None: ...
    id: int
    rest: dict[str, int]
    status: str | None
    tags: list[str]
    url: str | None

class Kind(StrEnum):
    A = 'a'

class Run:
    name: str

class Settings:
    def __init__(self, name: str, tags: list[str] = list()) -> None: ...
    name: str
    tags: list[str]

class State(Client):
    ...

__version__: Any

def load(path: str, *, flow: Flow | None = None) -> Client: ...
"""

EMULATOR = """\
class Emulator:
    ...

# The fixture of pytest.
def mincloud_emulator() -> Iterator[Emulator]: ...
"""


def test_it_is_what_users_see_of_it(project: Path) -> None:
    assert public_names(project) == {"mincloud": CLIENT, "mincloud_emulator": EMULATOR}


def test_moving_code_changes_nothing(project: Path) -> None:
    (project / "mincloud" / "_base.py").rename(project / "mincloud" / "_ground.py")
    client = project / "mincloud" / "_client.py"
    client.write_text(client.read_text().replace("._base", "._ground").replace("SIZE", "_MOST"))

    assert public_names(project)["mincloud"] == CLIENT


def test_every_public_name_of_this_project_is_there() -> None:
    import mincloud
    import mincloud_emulator

    stubs = public_names(ROOT)
    for package in (mincloud, mincloud_emulator):
        stub = stubs[package.__name__]
        assert [name for name in package.__all__ if f" {name}" not in f" {stub}".replace("\n", " ")] == []
    assert "_sync" not in "".join(stubs.values())


def test_a_model_without_known_fields_is_made_of_nothing(project: Path) -> None:
    model = project / "generated" / "mincloud_api" / "models" / "job.py"
    text = model.read_text()
    before, _, rest = text.partition("    id: int\n")
    model.write_text(f"{before}    rest: dict[str, int]{rest.rpartition('rest: dict[str, int]')[2]}")

    shown = "class Job:\n    def __init__(self) -> None: ...\n    rest: dict[str, int]\n"
    assert shown in public_names(project)["mincloud"]
