"""The command that checks versions, and the one that records them: what they say, and their exit status."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scripts import ROOT
from scripts.compatibility.__main__ import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[[], tuple[int, list[str], list[str]]]

CONTRACT = "openapi/mincloud.yaml"
CONTRACT_LOG = "openapi/CHANGELOG.md"
CODE = "mincloud/_client.py"
VERSION = "mincloud/_version.py"
LOG = "CHANGELOG.md"
DAY = "2026-11-22"
RECORDS = "scripts/compatibility/released"
VERSIONS = f"{RECORDS}/versions.json"


@pytest.fixture
def check(project: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run() -> tuple[int, list[str], list[str]]:
        status = main([str(project)])
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err.splitlines()

    return run


@pytest.fixture
def record(project: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run() -> tuple[int, list[str], list[str]]:
        status = main(["--record", str(project)])
        captured = capsys.readouterr()
        return status, captured.out.splitlines(), captured.err.splitlines()

    return run


def edit(project: Path, name: str, old: str, new: str) -> None:
    file = project / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def date_both(project: Path) -> None:
    for log in (LOG, CONTRACT_LOG):
        edit(project, log, "unreleased", DAY)


def begin(project: Path, log: str, version: str, group: str = "Added") -> None:
    edit(project, log, "## [", f"## [{version}] - unreleased\n\n### {group}\n\n- This.\n\n## [")


@pytest.fixture
def released(project: Path, record: Run) -> Path:
    """A project whose version 0.1.0 is released."""
    date_both(project)
    assert record() == (
        0,
        [
            f"openapi/mincloud.yaml 0.1.0: recorded in scripts/compatibility/released/ as released on {DAY}",
            f"mincloud 0.1.0: recorded in scripts/compatibility/released/ as released on {DAY}",
        ],
        [],
    )
    return project


def test_what_is_released_and_unchanged_passes(released: Path, check: Run) -> None:
    assert check() == (
        0,
        [
            "openapi/mincloud.yaml 0.1.0: users of 0.1.0 find it unchanged",
            "mincloud 0.1.0: users of 0.1.0 find it unchanged",
        ],
        [],
    )


def test_a_change_of_the_contract_that_breaks_users_fails(released: Path, check: Run) -> None:
    edit(released, CONTRACT, "in: query", "in: query\n          required: true")

    status, _, errors = check()
    assert status == 1
    assert errors == [
        (
            "openapi/mincloud.yaml: paths > /jobs/ > get > parameters > 0 > required: `limit` query parameter became required; "
            "take it back, or raise info.version to 0.2.0 [breaking]"
        )
    ]


def test_a_change_of_the_package_that_breaks_users_fails(released: Path, check: Run) -> None:
    edit(released, CODE, "def load(path: str", "def load(file: str")

    status, _, errors = check()
    advice = "take it back, or raise VERSION in mincloud/_version.py to 0.2.0 [breaking]"
    assert status == 1
    assert errors == [
        f"mincloud.load(file): Parameter was added as required; {advice}",
        f"mincloud.load(path): Parameter was removed; {advice}",
    ]


def test_it_passes_with_the_next_minor_version_and_a_word_in_the_changelog(released: Path, check: Run) -> None:
    edit(released, CONTRACT, "in: query", "in: query\n          required: true")
    edit(released, CONTRACT, "0.1.0", "0.1.1")
    begin(released, CONTRACT_LOG, "0.1.1")
    assert check()[0] == 1

    edit(released, CONTRACT, "0.1.1", "0.2.0")
    edit(released, CONTRACT_LOG, "0.1.1", "0.2.0")
    assert check()[2] == [
        "openapi/CHANGELOG.md: say under `### Changed` or `### Removed` what 0.2.0 breaks [changelog-breaking]"
    ]

    edit(released, CONTRACT_LOG, "### Added", "### Changed")
    assert check()[:2] == (
        0,
        [
            "openapi/mincloud.yaml 0.2.0: 1 of 1 changes since 0.1.0 break users",
            "mincloud 0.1.0: users of 0.1.0 find it unchanged",
        ],
    )


def test_from_1_0_on_the_major_version_has_to_move(project: Path, record: Run, check: Run) -> None:
    edit(project, CONTRACT, "0.1.0", "1.4.2")
    edit(project, CONTRACT_LOG, "0.1.0", "1.4.2")
    date_both(project)
    record()
    edit(project, CONTRACT, "operationId: listJobs", "operationId: jobs")

    [line] = check()[2]
    assert line.endswith("take it back, or raise info.version to 2.0.0 [breaking]")


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (
            CONTRACT,
            "      responses:\n",
            "        - {name: offset, in: query, schema: {type: integer}}\n      responses:\n",
            (
                "openapi/mincloud.yaml: paths > /jobs/ > get > parameters > 1: the parameter is new; "
                "take it back, or raise info.version to 0.1.1 [version]"
            ),
        ),
        (
            CODE,
            "flow: Flow | None = None",
            "flow: Flow | None = None, mode: str = 'r'",
            ("mincloud.load(mode): is new; take it back, or raise VERSION in mincloud/_version.py to 0.1.1 [version]"),
        ),
        (
            CONTRACT,
            "Lists them.",
            "Lists all of them.",
            (
                "openapi/mincloud.yaml: its words are not those of 0.1.0, which is released; "
                "raise info.version to 0.1.1 [version]"
            ),
        ),
    ],
)
def test_what_breaks_nobody_still_is_another_version(
    name: str, old: str, new: str, says: str, released: Path, check: Run
) -> None:
    edit(released, name, old, new)
    assert check()[::2] == (1, [says])

    of_contract = name == CONTRACT
    edit(released, CONTRACT if of_contract else VERSION, "0.1.0", "0.1.1")
    begin(released, CONTRACT_LOG if of_contract else LOG, "0.1.1")
    assert check()[::2] == (0, [])


def test_comments_and_the_order_of_keys_are_no_change(released: Path, check: Run) -> None:
    edit(released, CONTRACT, "openapi: 3.0.3\n", "# A comment.\n")
    file = released / CONTRACT
    file.write_text(file.read_text(encoding="utf-8") + "openapi: 3.0.3\n", encoding="utf-8")

    assert check()[0] == 0


def test_a_version_that_is_higher_without_a_reason_passes(released: Path, check: Run) -> None:
    edit(released, VERSION, "0.1.0", "0.1.1")
    begin(released, LOG, "0.1.1", "Fixed")

    assert check()[0] == 0


def test_a_version_that_is_lower_fails(released: Path, check: Run) -> None:
    edit(released, CONTRACT, "0.1.0", "0.0.9")

    assert (
        "openapi/mincloud.yaml: raise info.version to 0.1.0 or more, which scripts/compatibility/released/ has"
        in check()[2]
    )


def test_before_the_first_release_additions_are_free_and_breaking_is_not(
    project: Path, record: Run, check: Run
) -> None:
    assert record()[1] == [
        "openapi/mincloud.yaml 0.1.0: recorded in scripts/compatibility/released/ before its release",
        "mincloud 0.1.0: recorded in scripts/compatibility/released/ before its release",
    ]
    edit(project, CONTRACT, "Lists them.", "Lists all of them.")
    edit(project, CODE, "flow: Flow | None = None", "flow: Flow | None = None, mode: str = 'r'")
    assert check()[:2] == (
        0,
        [
            "openapi/mincloud.yaml 0.1.0: users of 0.1.0 find it unchanged",
            "mincloud 0.1.0: 0 of 1 changes since 0.1.0 break users",
        ],
    )

    edit(project, CONTRACT, "type: integer", "type: string")
    assert check()[::2] == (
        1,
        [
            (
                "openapi/mincloud.yaml: paths > /jobs/ > get > parameters > 0 > schema > type: Type narrowed from 'integer' "
                "to 'string'; take it back, or raise info.version to 0.2.0; or, since 0.1.0 is not released, record it anew by "
                "`make record-release` [breaking]"
            )
        ],
    )
    assert record()[0] == 0
    assert check()[0] == 0


def test_a_release_that_was_not_recorded_is_noticed(project: Path, record: Run, check: Run) -> None:
    record()
    date_both(project)
    assert check()[::2] == (
        1,
        [
            f"{log}: 0.1.0 has a date and is not recorded as released; run `make record-release`, or call it unreleased [record]"
            for log in (CONTRACT_LOG, LOG)
        ],
    )

    assert record()[0] == 0
    assert check()[0] == 0


def test_what_was_released_is_not_recorded_again(released: Path, record: Run) -> None:
    before = {file.name: file.read_text() for file in (released / "scripts/compatibility/released").iterdir()}
    assert record()[1] == ["openapi/mincloud.yaml 0.1.0: recorded already", "mincloud 0.1.0: recorded already"]

    edit(released, CONTRACT, "operationId: listJobs", "operationId: jobs")
    status, _, errors = record()
    assert status == 1
    assert errors[0].endswith("take it back, or raise info.version to 0.2.0 [breaking]")
    assert {file.name: file.read_text() for file in (released / "scripts/compatibility/released").iterdir()} == before


def test_a_version_in_the_making_is_compared_with_the_one_before(released: Path, record: Run) -> None:
    edit(released, VERSION, "0.1.0", "0.1.1")
    begin(released, LOG, "0.1.1")

    assert record()[1][1] == "mincloud 0.1.1: unreleased, so 0.1.0 stays what it is compared with"

    edit(released, LOG, "unreleased", "2026-12-01")
    assert record()[1][1] == "mincloud 0.1.1: recorded in scripts/compatibility/released/ as released on 2026-12-01"
    index = json.loads((released / "scripts/compatibility/released" / "versions.json").read_text())
    assert index["python"] == {"version": "0.1.1", "released": "2026-12-01"}
    assert index["contract"]["version"] == "0.1.0"


def test_the_day_of_a_release_stays(released: Path, check: Run) -> None:
    edit(released, LOG, DAY, "2026-11-23")

    assert check()[2] == [
        "CHANGELOG.md: put `## [0.1.0] - 2026-11-22` back, the day that scripts/compatibility/released/ has [changelog-date]"
    ]


def test_a_changelog_without_the_version_fails(released: Path, check: Run, record: Run) -> None:
    edit(released, CONTRACT, "0.1.0", "0.1.1")
    says = [
        (
            "openapi/CHANGELOG.md: line 3: put `## [0.1.1] - unreleased` first, the version in info.version, "
            "openapi/mincloud.yaml [changelog-version]"
        )
    ]

    assert check()[::2] == (1, says)
    assert record()[::2] == (1, says)


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        (CONTRACT, "0.1.0", "v1.3", "openapi/mincloud.yaml: write info.version as three numbers, like 0.2.0; it is 'v1.3'"),
        (VERSION, "0.1.0", "0.1.0rc1", "mincloud: write VERSION in mincloud/_version.py as three numbers, like 0.2.0; it is '0.1.0rc1'"),
        (VERSION, "VERSION", "NUMBER", 'mincloud/_version.py has no line like VERSION = "0.1.0"; put it back'),
        (CONTRACT, "paths:", "path:", "openapi/mincloud.yaml: the document: mend it: "),
        (CONTRACT, "openapi: 3.0.3", "openapi: [", "openapi/mincloud.yaml: the document: mend the YAML: "),
        (
            CONTRACT,
            "parameters:",
            "requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/Job'}}}}\n      parameters:",
            "openapi/mincloud.yaml: paths > /jobs/ > get > requestBody > content > application/json > schema: nothing is at #/comp",
        ),
        (CODE, "def load(", "def load load(", "cannot read the Python packages: "),
        (VERSIONS, "{", "", f"{RECORDS}/ is damaged ("),
        (VERSIONS, '"released": "2026', '"released": "26', f"{RECORDS}/ is damaged ("),
        (VERSIONS, '"version": "0.1.0"', '"version": 1', f"{RECORDS}/ is damaged ('1' is not three numbers, like 0.2.0): take it"),
    ],
)  # fmt: skip
def test_what_cannot_be_checked_is_one_line(
    name: str, old: str, new: str, says: str, released: Path, check: Run
) -> None:
    edit(released, name, old, new)

    status, _, [line] = check()
    assert status == 2
    assert line.startswith(f"compatibility: {says}")


@pytest.mark.parametrize(
    "name", [CONTRACT, CONTRACT_LOG, LOG, VERSION, CODE, "scripts/compatibility/released/mincloud.pyi"]
)
def test_what_is_missing_is_one_line(name: str, released: Path, check: Run) -> None:
    (released / name).unlink()

    status, _, [line] = check()
    assert status == 2
    assert line.startswith("compatibility: ")
    assert "put" in line or "take it from the repository again" in line or "name a readable" in line


def test_without_a_record_there_is_nothing_to_compare_with(project: Path, check: Run) -> None:
    assert check()[::2] == (
        2,
        ["compatibility: nothing is recorded of openapi/mincloud.yaml: run `make record-release`"],
    )


def test_the_records_are_small_and_can_be_read() -> None:
    files = list((ROOT / "scripts/compatibility/released").iterdir())

    assert sorted(file.name for file in files) == [
        "mincloud.pyi",
        "mincloud.yaml",
        "mincloud_emulator.pyi",
        "versions.json",
    ]
    assert sum(file.stat().st_size for file in files) < 150_000


def test_a_new_operation_and_a_new_method_are_named_in_their_changelogs(released: Path, check: Run) -> None:
    operation = "    post: {operationId: createJob, responses: {'201': {description: Done.}}}\n"
    edit(released, CONTRACT, "    get:\n", f"{operation}    get:\n")
    edit(released, CONTRACT, "0.1.0", "0.1.1")
    begin(released, CONTRACT_LOG, "0.1.1")
    edit(released, CODE, "def _private", "def close(self) -> None: ...\n\n    def _private")
    edit(released, VERSION, "0.1.0", "0.1.1")
    begin(released, LOG, "0.1.1")
    assert check()[2] == [
        f"{CONTRACT_LOG}: name `createJob`, which is new in 0.1.1 [changelog-addition]",
        f"{LOG}: name `close`, which is new in 0.1.1 [changelog-addition]",
    ]

    edit(released, CONTRACT_LOG, "- This.", "- `createJob` makes one.")
    edit(released, LOG, "- This.", "- `Client.close()`.")
    assert check()[::2] == (0, [])
