"""What is in the package, whether it compiles where people compile it, and whether it works against a real service."""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

import mincloud
from mincloud_emulator import Emulator
from scripts.codegen.generate import TARGET
from scripts.contract.check import lint
from scripts.contract.document import CONTRACT
from scripts.contract.variants import DEREFERENCED, NAMES, variants

from .conftest import COMPILERS, Consumer

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ["mincloud", *("-".join(variant) for variant in variants() if variant)]
CONTRACT_JSON = TARGET / "contract.json"
README = (ROOT / "openapi" / "README.md").read_text("utf-8")

# The first test packs, the first with a consumer installs, and the machine may be busy.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def files(tarball: Path) -> dict[str, str]:
    with tarfile.open(tarball) as archive:
        opened = {member.name.removeprefix("package/"): archive.extractfile(member) for member in archive.getmembers()}
        return {name: stream.read().decode() for name, stream in opened.items() if stream is not None}


@pytest.fixture
def service(emulator: Emulator) -> Emulator:
    """The functions that the TypeScript calls, and the answers that no service gives today."""

    def greet(event: dict[str, Any]) -> str:
        if "username" not in event["data"]:
            raise TypeError("username is missing")
        return f"hello {event['data']['username']}"

    emulator.stub("greet", greet)
    emulator.stub("nothing", lambda _: None)
    emulator.stub("月报/九月", lambda _: "done")
    strange = {"name": "strange", "plan_circle": "P_GOLD", "audit_status": "approved", "colour": {"red": 1}}
    emulator.fail_next(200, body=strange, path="*/cloud-function/strange/")
    emulator.fail_next(400, body=json.dumps("不存在。"), headers={"Content-Type": "application/json"}, path="*/bare/")
    emulator.fail_next(
        502, body="<html>Bad Gateway</html>", headers={"Content-Type": "text/html"}, path="*/cloud-function/gateway/"
    )
    return emulator


def variables(service: Emulator) -> dict[str, str]:
    return {"BASE_URL": service.url, "ACCESS_TOKEN": service.access_token}


def test_the_package_holds_these_files_and_no_others(files: dict[str, str]) -> None:
    modules = {f"{kind}/{name}" for kind in ("esm", "cjs") for name in ("index.js", "index.d.ts", "contract.js")}
    modules |= {
        f"{kind}/{name}" for kind in ("esm", "cjs") for name in ("contract.d.ts", "schemas.d.ts", "package.json")
    }
    documents = {f"{name}.{form}" for name in DOCUMENTS for form in ("yaml", "json")}
    documents |= {f"{DEREFERENCED}.json"} | {f"{name}-{DEREFERENCED}.json" for name in DOCUMENTS[1:]}
    documents |= {f"overlays/{name}.yaml" for name in NAMES}
    assert set(files) == modules | documents | {"package.json", "README.md", "CHANGELOG.md", "LICENSE"}


def test_each_export_is_a_file_of_the_package_and_types_come_first(files: dict[str, str]) -> None:
    description = json.loads(files["package.json"])
    targets: list[str] = [description[key] for key in ("main", "module", "types")]
    for export in description["exports"].values():
        for choice in [export] if isinstance(export, str) else export.values():
            targets += [choice] if isinstance(choice, str) else choice.values()
            assert isinstance(choice, str) or list(choice) == ["types", "default"]
    for target in targets:
        assert [name for name in files if fnmatchcase(name, target.removeprefix("./"))], target


def test_the_package_needs_no_other_and_has_no_side_effects(files: dict[str, str]) -> None:
    description = json.loads(files["package.json"])
    assert not [key for key in description if "ependencies" in key or key == "scripts"]
    for name in ("package.json", "esm/package.json", "cjs/package.json"):
        assert json.loads(files[name])["sideEffects"] is False


def test_the_contract_is_in_it_as_it_is_and_in_each_form(files: dict[str, str]) -> None:
    assert files["mincloud.yaml"] == CONTRACT.read_text("utf-8")
    for name in DOCUMENTS:
        assert yaml.safe_load(files[f"{name}.yaml"]) == json.loads(files[f"{name}.json"])
    assert json.loads(files["mincloud.json"])["info"]["version"] == json.loads(files["package.json"])["version"]


def test_nothing_in_the_package_names_the_machine_that_built_it(files: dict[str, str]) -> None:
    for name, text in files.items():
        for secret in (str(ROOT), str(Path.home()) + "/", "/tmp/"):
            assert secret not in text.replace("`/tmp`", ""), name


def test_beside_it_stand_files_with_the_version_in_their_names_and_their_checksums(built: list[Path]) -> None:
    version = json.loads(CONTRACT_JSON.read_text("utf-8"))["info"]["version"]
    *named, checksums = built
    assert checksums.name == f"mincloud-{version}.sha256"
    lines = {line.partition("  ")[2]: line.partition("  ")[0] for line in checksums.read_text("utf-8").splitlines()}
    assert lines == {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in named}
    assert all(f"-{version}" in name for name in lines)
    [written] = [file for file in named if file.name == f"mincloud-{version}.yaml"]
    assert written.read_bytes() == CONTRACT.read_bytes()
    [portable] = [file for file in named if file.name == f"mincloud-{version}-portable-openapi-3.1.json"]
    assert json.loads(portable.read_text("utf-8")) == mincloud.contract(portable=True, openapi="3.1")


def test_the_portable_variant_keeps_every_rule_of_the_contract(files: dict[str, str], tmp_path: Path) -> None:
    written = tmp_path / "portable.yaml"
    written.write_text(files["portable.yaml"], "utf-8")
    assert lint([written]) == [[]]


@pytest.mark.parametrize("resolution", ["nodenext", "bundler"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_it_compiles_strictly_and_refuses_wrong_use(consumer: Consumer, compiler: str, resolution: str) -> None:
    assert consumer.compile(compiler, resolution, "--noEmit") == ""


@pytest.mark.parametrize("program", ["calls", "guards"])
def test_it_works_with_openapi_fetch(compiled: Consumer, service: Emulator, program: str) -> None:
    said = compiled.run("node", "--test", f"out/{program}.test.js", variables=variables(service))
    counts = dict(re.findall(r"^(?:#|ℹ) (pass|fail|skipped) (\d+)$", said, re.MULTILINE))
    assert int(counts.pop("pass")) >= 7
    assert counts == {"fail": "0", "skipped": "0"}


def test_the_snippet_of_the_readme_compiles_and_runs(consumer: Consumer, service: Emulator) -> None:
    [snippet] = re.findall(r"```ts\n(.*?)```", README, re.DOTALL)
    (consumer.folder / "src" / "readme.ts").write_text(snippet, "utf-8")
    consumer.compile("typescript-newest", "nodenext")
    given = {"MINCLOUD_BASE_URL": service.url, "MINCLOUD_ACCESS_TOKEN": service.access_token}
    lines = consumer.run("node", "out/readme.js", variables=given).splitlines()
    assert lines[0] == "hello 爱范儿"
    assert re.fullmatch(r"\d+ fulfilled", lines[1])
