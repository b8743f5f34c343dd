"""`mincloud.contract()`: what it gives, in a checkout and installed, and that the client is of the same contract."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution
from pathlib import Path

import mincloud_api
import pytest
import yaml
from markdown_it import MarkdownIt

import mincloud

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "openapi" / "mincloud.yaml"
# As on a machine where the `cli` extra was not installed.
WITHOUT_YAML = "import sys; sys.modules['yaml'] = None; "
COMMAND = "from mincloud.cli import main; sys.exit(main(sys.argv[1:]))"


def test_the_contract_is_what_the_document_says() -> None:
    assert mincloud.contract() == yaml.safe_load(CONTRACT.read_text("utf-8"))


def test_the_client_is_generated_from_the_contract_that_is_given() -> None:
    assert mincloud.contract()["info"]["version"] == mincloud_api.CONTRACT_VERSION
    assert hashlib.sha256(CONTRACT.read_bytes()).hexdigest() == mincloud_api.CONTRACT_SHA256


@pytest.mark.parametrize("portable", [False, True])
def test_who_changes_the_contract_changes_nobody_elses(portable: bool) -> None:
    mine = mincloud.contract(portable=portable)
    mine["info"]["title"] = "mine"
    mine["components"]["schemas"].clear()
    yours = mincloud.contract(portable=portable)
    assert yours["info"]["title"] == "MinCloud cloud functions"
    assert "Job" in yours["components"]["schemas"]


def test_the_portable_variant_has_one_schema_for_the_two_way_answer() -> None:
    answer = mincloud.contract(portable=True)["components"]["schemas"]["InvocationAnswer"]
    assert list(answer["properties"]) == ["code", "data", "error", "status"]
    assert "oneOf" not in answer


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the wheel puts into a folder of packages."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=60)
    [wheel] = folder.glob("*.whl")
    packages = folder / "packages"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    return packages


def python(installed: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_YAML + program, *arguments],
        env={**os.environ, "PYTHONPATH": str(installed), "PYTHONIOENCODING": "utf-8"},
        cwd=installed.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=30,
    )


def test_an_installation_without_a_yaml_parser_has_the_contract(installed: Path) -> None:
    program = "import json, mincloud; print(mincloud.__file__); print(json.dumps(mincloud.contract()))"
    place, document = python(installed, program).stdout.splitlines()
    assert Path(place).is_relative_to(installed)
    assert json.loads(document) == mincloud.contract()


def test_an_installation_without_a_yaml_parser_prints_the_contract(installed: Path) -> None:
    assert python(installed, COMMAND, "contract").stdout == CONTRACT.read_text("utf-8")
    portable = python(installed, COMMAND, "contract", "--portable", "--json")
    assert json.loads(portable.stdout) == mincloud.contract(portable=True)
    [path] = python(installed, COMMAND, "contract", "--path").stdout.splitlines()
    assert Path(path).is_relative_to(installed)
    assert Path(path).read_bytes() == CONTRACT.read_bytes()


def test_an_installation_that_is_damaged_or_has_lost_the_contract_says_so_in_one_line(installed: Path) -> None:
    document, written = (installed / "mincloud_api" / name for name in ("contract.json", "mincloud.yaml"))
    complete = document.read_bytes()
    document.write_bytes(complete[:1000])
    mend = "install mincloud again, or in a checkout run `make generate`"
    try:
        damaged = python(installed, COMMAND, "contract", "--json")
        document.unlink()
        missing = python(installed, COMMAND, "contract", "--json")
    finally:
        document.write_bytes(complete)
    assert (damaged.returncode, damaged.stdout) == (2, "")
    assert json.loads(damaged.stderr)["error"]["message"] == f"the contract of this installation is damaged: {mend}"
    assert (missing.returncode, missing.stdout) == (2, "")
    assert json.loads(missing.stderr)["error"]["message"] == f"the contract is missing from this installation: {mend}"

    kept = written.read_bytes()
    written.unlink()
    try:
        unwritten = python(installed, COMMAND, "contract")
    finally:
        written.write_bytes(kept)
    assert (unwritten.returncode, unwritten.stdout) == (2, "")
    assert unwritten.stderr == "mincloud-py: the contract is missing from this installation: install mincloud again\n"


def test_what_a_package_index_shows_leads_to_no_file_of_the_repository(installed: Path) -> None:
    [folder] = installed.glob("mincloud-*.dist-info")
    metadata = Distribution.at(folder).metadata
    description = metadata["Description"]
    tokens = [token for block in MarkdownIt("commonmark").parse(description) for token in block.children or ()]
    led_to = [token.attrGet("href") or token.attrGet("src") for token in tokens if token.type in ("link_open", "image")]
    assert [address for address in led_to if not str(address).startswith("https://")] == []
    assert "](" not in description.replace("](https://", "")
    headings = [line for line in description.splitlines() if line.startswith("## ")]
    assert (headings[0], headings[-2:]) == ("## Install", ["## Where to go next", "## Licence"])
    assert metadata["Description-Content-Type"] == "text/markdown"
