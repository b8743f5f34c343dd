"""The samples for curl, Node and PHP are programs, and those for Node do what they say against the emulator."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from mincloud_emulator import Emulator
from scripts.contract.code_samples import code_samples, overlay
from scripts.contract.document import CONTRACT, operations, read_document
from scripts.contract.redocly import redocly

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

DOCUMENT = read_document(CONTRACT)[0]
SAMPLES = code_samples(DOCUMENT)
LANGUAGES = {"Shell": ["sh", "-n"], "JavaScript": ["node", "--check"], "PHP": ["php", "-l"]}


def test_each_operation_has_a_sample_in_each_language() -> None:
    assert set(SAMPLES) == {operation["operationId"] for _, _, operation in operations(DOCUMENT)}
    assert {tuple(sample["lang"] for sample in samples) for samples in SAMPLES.values()} == {tuple(LANGUAGES)}


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sample_is_a_program(language: str, tmp_path: Path) -> None:
    command = LANGUAGES[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed: scripts/install_debian_packages.sh php-cli installs it")
    for operation, samples in SAMPLES.items():
        [source] = [sample["source"] for sample in samples if sample["lang"] == language]
        file = tmp_path / f"{operation}.mjs"
        file.write_text(source, "utf-8")
        checked = subprocess.run([*command, file], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, (source, checked.stderr)


def test_the_samples_for_node_work_in_the_order_of_the_contract(tmp_path: Path) -> None:
    with Emulator() as emulator:
        for operation, samples in SAMPLES.items():
            [source] = [sample["source"] for sample in samples if sample["lang"] == "JavaScript"]
            if "oauth2" in source or "getAccessToken" in source:
                continue  # those of the token operations need an application's secret
            file = tmp_path / f"{operation}.mjs"
            file.write_text(source.replace(DOCUMENT["servers"][0]["url"], emulator.url), "utf-8")
            environment = {**os.environ, "ACCESS_TOKEN": emulator.access_token}
            ran = subprocess.run(["node", file], env=environment, capture_output=True, text=True, check=False)
            assert ran.returncode == 0, (operation, ran.stderr)


def test_the_overlay_can_be_applied(tmp_path: Path) -> None:
    from mincloud._contract import as_yaml

    file = tmp_path / "code-samples.yaml"
    file.write_text(as_yaml(overlay(DOCUMENT)), "utf-8")
    target = tmp_path / "contract.json"
    applied = redocly("bundle", str(CONTRACT), "--overlay", str(file), "--output", str(target))
    assert applied.returncode == 0, applied.stderr
    assert target.read_text("utf-8").count('"x-codeSamples"') == len(SAMPLES)
