"""What is in the package, whether it compiles where people compile it, and whether it works against a real service."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
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
from scripts.contract.code_samples import code_samples
from scripts.contract.document import CONTRACT
from scripts.contract.package import DEREFERENCED
from scripts.contract.variants import NAMES, variants

from .conftest import COMPILERS, Consumer

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = ["mincloud", *("-".join(variant) for variant in variants() if variant)]
CONTRACT_JSON = TARGET / "contract.json"
README = (ROOT / "openapi" / "npm-README.md").read_text("utf-8")

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
    given = {
        "BASE_URL": service.url,
        "ACCESS_TOKEN": service.access_token,
        "CLIENT_ID": service.client_id,
        "CLIENT_SECRET": service.client_secret,
    }
    return {**given, **{f"MINCLOUD_{name}": value for name, value in given.items()}}


def test_the_package_holds_these_files_and_no_others(files: dict[str, str]) -> None:
    modules = {f"{kind}/{name}" for kind in ("esm", "cjs") for name in ("schemas.d.ts", "package.json")}
    modules |= {
        f"{kind}/{name}.{form}"
        for kind in ("esm", "cjs")
        for name in ("index", "contract", "token")
        for form in ("js", "d.ts")
    }
    documents = {f"{name}.{form}" for name in DOCUMENTS for form in ("yaml", "json")}
    documents |= {f"{DEREFERENCED}.json"} | {f"{name}-{DEREFERENCED}.json" for name in DOCUMENTS[1:]}
    documents |= {f"overlays/{name}.yaml" for name in (*NAMES, "code-samples")}
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


@pytest.mark.parametrize("program", ["calls", "guards", "token"])
def test_it_works_with_openapi_fetch(compiled: Consumer, service: Emulator, program: str) -> None:
    said = compiled.run("node", "--test", f"out/{program}.test.js", variables=variables(service))
    counts = dict(re.findall(r"^(?:#|ℹ) (pass|fail|skipped) (\d+)$", said, re.MULTILINE))
    assert int(counts.pop("pass")) >= 7
    assert counts == {"fail": "0", "skipped": "0"}


def test_the_tools_for_packages_find_nothing(tarball: Path) -> None:
    for command in (["publint", "--strict"], ["attw"]):
        program = ROOT / "node_modules" / ".bin" / command[0]
        judged = subprocess.run([program, *command[1:], tarball], capture_output=True, text=True, check=False)
        said = judged.stdout + judged.stderr
        assert judged.returncode == 0, said
        assert "Suggestions" not in said, said


def test_each_link_of_its_readme_leads_into_the_package_or_to_an_address(files: dict[str, str]) -> None:
    targets = re.findall(r"\]\(([^)]+)\)", files["README.md"])
    assert targets
    assert {target for target in targets if not target.startswith("https://")} <= set(files)


def test_every_document_and_overlay_can_be_reached(consumer: Consumer, files: dict[str, str]) -> None:
    names = [name for name in files if Path(name).suffix in (".yaml", ".json") and not name.startswith(("esm", "cjs"))]
    assert "overlays/code-samples.yaml" in names
    program = f"for (const name of {json.dumps(names)}) console.log(require.resolve(`mincloud-openapi/${{name}}`))"
    assert len(consumer.run("node", "--input-type=commonjs", "--eval", program).splitlines()) == len(names)


def test_the_typescript_of_its_readme_compiles_and_runs(consumer: Consumer, service: Emulator) -> None:
    [snippet] = re.findall(r"```ts\n(.*?)```", README, re.DOTALL)
    (consumer.folder / "src" / "readme.ts").write_text(snippet, "utf-8")
    consumer.compile("typescript-newest", "nodenext")
    lines = consumer.run("node", "out/readme.js", variables=variables(service)).splitlines()
    assert lines[0] == "hello 爱范儿"
    assert re.fullmatch(r"\d+ fulfilled", lines[1])


def test_the_javascript_of_its_readme_runs(consumer: Consumer, service: Emulator, files: dict[str, str]) -> None:
    said: list[str] = []
    for number, snippet in enumerate(re.findall(r"```js\n(.*?)```", README, re.DOTALL)):
        program = consumer.folder / f"readme-{number}.{'cjs' if 'require(' in snippet else 'mjs'}"
        program.write_text(snippet, "utf-8")
        said += consumer.run("node", program.name, variables=variables(service)).splitlines()
    contract = json.loads(files["mincloud.json"])
    assert said == ["hello 爱范儿", f"{contract['info']['version']} {len(contract['paths'])}"]


def test_the_sample_of_authorize_gets_a_token(consumer: Consumer, service: Emulator, files: dict[str, str]) -> None:
    sample = code_samples(json.loads(files["mincloud.json"]))["authorize"][1]["source"]
    program = consumer.folder / "sample.mjs"
    program.write_text(sample.replace("{ clientId, ", f"{{ baseUrl: {service.url!r}, clientId, "), "utf-8")
    assert "access_token: '" in consumer.run("node", program.name, variables=variables(service))
