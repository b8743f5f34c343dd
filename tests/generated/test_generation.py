"""The generated client is what the contract gives, and whatever stands in the way is said in one line."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import pytest

from scripts import ROOT, ScriptError
from scripts.codegen import generate
from scripts.codegen.derived import run as run_derivation
from scripts.contract.document import CONTRACT, read_valid
from scripts.contract.variants import variants

pytestmark = pytest.mark.slow

# The generator's originals that this project edits, adds to or replaces, as they were when it did so.
ORIGINALS = {
    "client.py.jinja": "4eac65762f21014a7fbf59e730f1be6d28c9c85ddc1c40b458b6ff5f67a64c9e",
    "endpoint_init.py.jinja": "c1837a037fdbbd85b5dc1d49f58bd80a672fe4496cfaaf84d3b91927027b56da",
    "endpoint_module.py.jinja": "c1b2628053eb4875ba59566baa5ae907666f9cbfafa308d93f970a4404b7cd52",
    "model.py.jinja": "fd1c79680d51c06cfbb89809ad123750ba9add98b688036c04cabbf1f8ba40a0",
    "errors.py.jinja": "b6ba7ea79aa7d7f24b47119985d1ed20268d3da0ab70309ee138088a106b6af9",
    "models_init.py.jinja": "4f64a3d6e1b15a561be5573c1b7702eb928c0e4fa6b67107d20e57a74c44d51a",
    "package_init.py.jinja": "ac15907e32dc39bd9b83ea6f2002fb87514f2182b97f88231b5a9c47321f6210",
    "types.py.jinja": "93df9d75883a4eafac77dd21bc6907f3ef612e3f7841e08656618dcf6c4ce494",
}


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.codegen.generate", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=280, check=False)


def check_of(text: str | None, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit status of `generate.py --check` for a contract of the given text, or for none."""
    contract = folder / "mincloud.yaml"
    if text is not None:
        contract.write_text(text, encoding="utf-8")
    monkeypatch.setattr(generate, "CONTRACT", contract)
    monkeypatch.setattr(sys, "argv", ["generate.py", "--check"])
    return run_derivation(generate.TARGET, "the contract", generate.generate)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of what the generation reads and writes."""
    without_caches = shutil.ignore_patterns("__pycache__")
    for folder in ("scripts", "openapi", "generated"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=without_caches)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    return tmp_path


@pytest.mark.timeout(300)  # runs the generator
def test_the_committed_client_is_what_the_contract_gives() -> None:
    result = run(ROOT, "--check")

    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.timeout(300)  # runs the generator three times
def test_a_stale_client_is_named_mended_and_then_left_alone(copy: Path) -> None:
    contract = copy / "openapi" / "mincloud.yaml"
    client = copy / "generated" / "mincloud_api"
    text = contract.read_text(encoding="utf-8")
    assert text.count("description: A remark; may be empty.") == 1
    contract.write_text(text.replace("A remark; may be empty.", "What somebody noted."), encoding="utf-8")
    (client / "models" / "stray.py").touch()
    (client / "py.typed").unlink()

    names = sorted(f"variants/{'-'.join(variant)}.json" for variant in variants() if variant)
    stale = run(copy, "--check")
    assert stale.returncode == 1
    assert stale.stderr == (
        "generated/mincloud_api is not what the contract gives "
        "(__init__.py, contract.json, models/cloud_function.py, models/stray.py, py.typed, "
        + ", ".join(names)
        + "): run `make generate` and commit\n"
    )

    mended = run(copy)
    assert (mended.returncode, mended.stdout) == (0, f"generated/mincloud_api: {5 + len(names)} files changed\n")
    assert "What somebody noted." in (client / "models" / "cloud_function.py").read_text(encoding="utf-8")
    assert not (client / "models" / "stray.py").exists()
    assert (client / "py.typed").exists()

    again = run(copy)
    assert (again.returncode, again.stdout) == (0, "generated/mincloud_api: up to date\n")


def test_the_client_knows_the_contract_that_it_comes_from() -> None:
    import mincloud_api

    assert hashlib.sha256(CONTRACT.read_bytes()).hexdigest() == mincloud_api.CONTRACT_SHA256
    assert Path(mincloud_api.__file__ or "").parent == ROOT / "generated" / "mincloud_api"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("openapi: [", "the document: mend the YAML: while parsing a flow node"),
        ("- openapi", "the document: begin with the `openapi` key of an OpenAPI document"),
        (
            "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {}\n",
            "openapi: mend it: ",
        ),
    ],
)
def test_an_invalid_contract_stops_the_generation_and_says_where(
    text: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_of(text, tmp_path, monkeypatch) == 1
    assert capsys.readouterr().err.startswith(f"generate: mincloud.yaml: {says}")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("openapi: 3.0.3", "openapi: 3.1.0"),
        ("  title: MinCloud cloud functions\n", ""),
        ('$ref: "#/components/schemas/PageMeta"', '$ref: "#/components/schemas/Meta"'),
    ],
)
def test_an_invalid_contract_gets_one_short_line(
    old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CONTRACT.read_text(encoding="utf-8")
    assert old in text

    assert check_of(text.replace(old, new), tmp_path, monkeypatch) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert len(line) < 250


def test_a_missing_contract_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check_of(None, tmp_path, monkeypatch) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("generate: cannot read mincloud.yaml: ")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        # The model template does not know dates yet.
        (
            "          type: string\n          description: A remark; may",
            "          type: string\n          format: date\n          description: A remark; may",
            "kind",
        ),
        # The generator warns of what it leaves out.
        (
            'application/json:\n              schema:\n                $ref: "#/components/schemas/CloudFunctionPage"',
            'image/png:\n              schema:\n                $ref: "#/components/schemas/CloudFunctionPage"',
            "Unsupported content_type image/png",
        ),
    ],
)
def test_what_the_generator_cannot_do_stops_the_generation_in_one_line(
    old: str, new: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = CONTRACT.read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "mincloud.yaml").write_text(text.replace(old, new), encoding="utf-8")
    monkeypatch.setattr(generate, "CONTRACT", tmp_path / "mincloud.yaml")

    with pytest.raises(ScriptError) as caught:
        generate.generate(tmp_path / "client")

    assert str(caught.value).startswith("the generator did not accept the contract, or warned about it: ")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_generator_is_the_one_that_the_templates_were_written_for() -> None:
    assert version("openapi-python-client").startswith("0.29.")


@pytest.mark.parametrize("name", sorted(ORIGINALS))
def test_an_original_template_that_changed_is_noticed(name: str) -> None:
    original = (files("openapi_python_client") / "templates" / name).read_bytes()

    assert hashlib.sha256(original).hexdigest() == ORIGINALS[name], (
        f"the generator's {name} is another than the one this project builds on: compare both versions, take over what "
        f"changed into scripts/codegen/templates/, and record the new sum here"
    )


def test_every_template_that_this_project_touches_has_its_original_recorded() -> None:
    edited = {edit.template for edit in generate.EDITS}
    own = {path.name.replace(".append.", ".") for path in generate.TEMPLATES.glob("*.jinja")}

    assert edited | own == set(ORIGINALS)


@pytest.mark.parametrize("index", range(len(generate.EDITS)), ids=[edit.why for edit in generate.EDITS])
def test_an_edit_whose_place_moved_is_named(index: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, old, _, why = generate.EDITS[index]
    upgraded = tmp_path / "upgraded" / "templates"
    shutil.copytree(Path(str(files("openapi_python_client") / "templates")), upgraded)
    text = (upgraded / name).read_text(encoding="utf-8")
    assert text.count(old) == 1
    (upgraded / name).write_text(text.replace(old, old[::-1]), encoding="utf-8")

    def files_of_the_upgrade(_: str) -> Path:
        return upgraded.parent

    monkeypatch.setattr(generate, "files", files_of_the_upgrade)
    # Edits that come before it are taken away where they share its place.
    monkeypatch.setattr(generate, "EDITS", [generate.EDITS[index]])

    with pytest.raises(ScriptError) as caught:
        generate.write_templates(read_valid(CONTRACT), "0" * 64, tmp_path)

    assert str(caught.value) == (
        f"the generator's template {name} has changed where this project edits it ({why}): "
        "compare it with scripts/codegen/templates/edits.yaml"
    )
