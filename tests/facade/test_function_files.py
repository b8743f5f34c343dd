"""Finding the functions of a folder, and reading their code."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mincloud import FunctionFile, FunctionFolder, find_functions

CODE = "exports.main = async () => '你好'\n"


def make(folder: Path, *files: str) -> None:
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(CODE, encoding="utf-8")


def names(found: FunctionFolder) -> list[str]:
    return [function.name for function in found.functions]


def problems(found: FunctionFolder) -> list[str]:
    return [f"{problem.kind}: {problem.message}" for problem in found.problems]


def test_files_and_folders_are_functions_sorted_by_name(tmp_path: Path) -> None:
    make(tmp_path, "greet/index.js", "mail.js", "爱范儿/index.js", "README.md", "data/list.json", "notes")
    found = find_functions(tmp_path)
    assert found.functions == (
        FunctionFile("greet", tmp_path / "greet" / "index.js"),
        FunctionFile("mail", tmp_path / "mail.js"),
        FunctionFile("爱范儿", tmp_path / "爱范儿" / "index.js"),
    )
    assert found.problems == ()
    assert [function.read() for function in found.functions] == [CODE] * 3
    assert find_functions(str(tmp_path)) == found


def test_what_is_hidden_or_installed_is_skipped(tmp_path: Path) -> None:
    make(tmp_path, ".git/index.js", ".eslintrc.js", "node_modules/x/index.js", "node_modules/index.js")
    assert find_functions(tmp_path) == FunctionFolder((), ())


def test_a_folder_with_an_index_of_its_own_is_one_function(tmp_path: Path) -> None:
    make(tmp_path, "greet/index.js", "greet/words.js", "greet/node_modules/x/index.js")
    assert find_functions(tmp_path / "greet") == FunctionFolder(
        (FunctionFile("greet", tmp_path / "greet" / "index.js"),), ()
    )


def test_functions_within_a_function_are_named_as_left_out(tmp_path: Path) -> None:
    make(tmp_path, "all/index.js", "all/greet/index.js")
    found = find_functions(tmp_path / "all")
    assert names(found) == ["all"]
    (problem,) = problems(found)
    assert problem == (
        f"ignored: {tmp_path}/all/greet is left out, since {tmp_path}/all/index.js makes {tmp_path}/all one function: move that file if "
        f"{tmp_path}/all is to hold several"
    )


def test_a_file_is_the_function_of_its_name(tmp_path: Path) -> None:
    make(tmp_path, "mail.js", "greet/index.js")
    assert names(find_functions(tmp_path / "mail.js")) == ["mail"]
    assert names(find_functions(tmp_path / "greet" / "index.js")) == ["greet"]


@pytest.mark.parametrize("written", [".", "./", "../greet", "index.js", "./index.js", "lib/.."])
def test_a_folder_has_its_name_however_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    make(tmp_path, "greet/index.js", "greet/lib/words.js")
    monkeypatch.chdir(tmp_path / "greet")
    assert names(find_functions(written)) == ["greet"]


def test_a_link_to_a_folder_is_a_function_of_the_links_name(tmp_path: Path) -> None:
    make(tmp_path, "elsewhere/greet/index.js")
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "hello").symlink_to(tmp_path / "elsewhere" / "greet")
    assert names(find_functions(tmp_path / "functions")) == ["hello"]
    assert names(find_functions(tmp_path / "functions" / "hello")) == ["hello"]


def test_names_are_composed_however_the_file_system_writes_them(tmp_path: Path) -> None:
    make(tmp_path, "cafe\u0301.js")
    assert names(find_functions(tmp_path)) == ["caf\u00e9"]


def test_of_two_files_for_one_function_the_first_counts_and_the_other_is_named(tmp_path: Path) -> None:
    make(tmp_path, "hello.js", "hello/index.js")
    found = find_functions(tmp_path)
    assert found.functions == (FunctionFile("hello", tmp_path / "hello.js"),)
    assert problems(found) == [
        f"duplicate: {tmp_path}/hello.js and {tmp_path}/hello/index.js are both the function 'hello': keep one of them"
    ]


@pytest.mark.parametrize("suffix", [".ts", ".tsx", ".mts", ".cts", ".jsx", ".mjs", ".cjs"])
def test_what_the_service_does_not_run_is_named_with_the_way_to_bundle_it(tmp_path: Path, suffix: str) -> None:
    make(tmp_path, f"mail{suffix}", f"greet/index{suffix}")
    found = find_functions(tmp_path)
    assert found.functions == ()
    assert problems(found) == [
        f"ignored: {source} is left out, since the service runs one CommonJS file: bundle it with `esbuild {source} --bundle "
        f"--platform=node --target=node12 --format=cjs --outfile={target}`"
        for source, target in (
            (tmp_path / "greet" / f"index{suffix}", tmp_path / "greet" / "index.js"),
            (tmp_path / f"mail{suffix}", tmp_path / "mail.js"),
        )
    ]


def test_the_source_of_what_was_bundled_is_not_named(tmp_path: Path) -> None:
    make(tmp_path, "a.ts", "a.js", "b.ts", "b/index.js", "c/index.ts", "c/index.js", "types.d.ts")
    found = find_functions(tmp_path)
    assert names(found) == ["a", "b", "c"]
    assert found.problems == ()


@pytest.mark.parametrize("main", ["src/app.js", "src/app", "src"])
@pytest.mark.parametrize("has_index", [True, False])
def test_a_main_that_is_not_followed_is_named(tmp_path: Path, main: str, *, has_index: bool) -> None:
    file = "src/index.js" if main == "src" else "src/app.js"
    make(tmp_path, f"greet/{file}", *(["greet/index.js"] if has_index else []))
    (tmp_path / "greet" / "package.json").write_text(f'{{"main": "{main}"}}', encoding="utf-8")
    found = find_functions(tmp_path)
    assert names(found) == (["greet"] if has_index else [])
    source, target = tmp_path / "greet" / file, tmp_path / "greet" / "index.js"
    hint = f"bundle it with `esbuild {source} --bundle --platform=node --target=node12 --format=cjs --outfile={target}`"
    if has_index:
        expected = f"{tmp_path}/greet/package.json names {source} as `main`, but the function is {target}: {hint}"
    else:
        expected = f"{source} is left out, since the service runs one CommonJS file: {hint}"
    assert problems(found) == [f"ignored: {expected}"]


@pytest.mark.parametrize(
    "package",
    [
        "{",
        "[]",
        "1",
        "",
        "{}",
        '{"main": 1}',
        '{"main": ""}',
        '{"main": null}',
        '{"main": "./index"}',
        '{"main": "."}',
        '{"main": "index.js"}',
        '{"main": "gone.js"}',
        '{"main": "a\\u0000b"}',
        '{"main": "' + "x" * 5000 + '"}',
    ],
)
def test_a_main_that_changes_nothing_is_not_named(tmp_path: Path, package: str) -> None:
    make(tmp_path, "greet/index.js")
    (tmp_path / "greet" / "package.json").write_text(package, encoding="utf-8")
    found = find_functions(tmp_path)
    assert names(found) == ["greet"]
    assert found.problems == ()


@pytest.mark.parametrize("nested", ["team/greet.js", "team/greet/index.js"])
def test_functions_in_folders_within_folders_are_named_as_left_out(tmp_path: Path, nested: str) -> None:
    make(tmp_path, "mail.js", nested)
    found = find_functions(tmp_path)
    assert names(found) == ["mail"]
    (problem,) = problems(found)
    assert problem == (
        f"ignored: {tmp_path}/team is left out, since it has no index.js and folders within folders are not searched: name "
        f"{tmp_path}/team itself"
    )
    assert names(find_functions(tmp_path / "team")) == ["greet"]


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that every user of the machine can read, while this process is one without privileges."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_nobody(program: str, *arguments: str) -> str:
    """Runs a program as a user whom permissions bind."""
    guarded = f"import os\nif os.geteuid() == 0: os.seteuid(65534)\n{program}"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys\nfrom mincloud._function_files import find_functions\n{guarded}",
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_unreadable_neighbour_is_named_and_the_others_are_found(shared_folder: Path) -> None:
    make(shared_folder, "mail.js", "private/index.js", "secret.js")
    (shared_folder / "private").chmod(0)
    (shared_folder / "secret.js").chmod(0)
    program = (
        "found = find_functions(sys.argv[1])\n"
        "print([function.name for function in found.functions])\n"
        "print([f'{problem.kind}: {problem.message}' for problem in found.problems])\n"
        "try: found.functions[1].read()\n"
        "except PermissionError as error: print(error.filename)"
    )
    functions, named, unread = as_nobody(program, str(shared_folder)).splitlines()
    (shared_folder / "private").chmod(0o700)
    assert functions == "['mail', 'secret']"
    private = f"{shared_folder}/private"
    assert named == str(
        [f"unreadable: {private} is left out, since it cannot be read: Permission denied"],
    )
    assert unread == f"{shared_folder}/secret.js"


def test_a_folder_that_cannot_be_read_itself_is_an_error(shared_folder: Path) -> None:
    shared_folder.chmod(0)
    program = "try: find_functions(sys.argv[1])\nexcept PermissionError as error: print(error.filename, error.strerror)"
    answer = as_nobody(program, str(shared_folder))
    shared_folder.chmod(0o755)
    assert answer in (f"{shared_folder} Permission denied\n", f"{shared_folder}/index.js Permission denied\n")


def test_links_that_lead_nowhere_and_what_is_no_file_are_named(tmp_path: Path) -> None:
    make(tmp_path, "mail.js")
    (tmp_path / "gone.js").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.js").symlink_to(tmp_path / "loop.js")
    (tmp_path / "long").symlink_to("x" * 300)
    os.mkfifo(tmp_path / "pipe.js")
    found = find_functions(tmp_path)
    assert names(found) == ["mail"]
    assert problems(found) == [
        f"unreadable: {tmp_path}/gone.js is left out, since it cannot be read: it is a link to nothing",
        f"unreadable: {tmp_path}/long is left out, since it cannot be read: File name too long",
        f"unreadable: {tmp_path}/loop.js is left out, since it cannot be read: Too many levels of symbolic links",
        f"unreadable: {tmp_path}/pipe.js is left out, since it cannot be read: it is no regular file",
    ]


def test_a_name_that_no_function_can_have_is_named(tmp_path: Path) -> None:
    make(tmp_path, "mail.js", "a\tb.js")
    Path(os.fsdecode(bytes(tmp_path) + b"/\xff.js")).write_text(CODE, encoding="utf-8")
    found = find_functions(tmp_path)
    assert names(found) == ["mail"]
    unnameable = f"{tmp_path}/\\udcff.js"
    assert problems(found) == [
        f"ignored: {tmp_path}/a\tb.js is left out: a function's name must have no control characters: 'a\\tb'; rename it",
        f"ignored: {unnameable} is left out: a function's name must be valid Unicode, without lone surrogates: '\\udcff'; rename it",
    ]


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as missing:
        find_functions(tmp_path / "nothing")
    assert str(missing.value) == f"there is no file or folder {tmp_path}/nothing"


# Reading


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_code_is_read_without_a_byte_order_mark_and_with_its_line_ends(tmp_path: Path, mark: bytes, end: bytes) -> None:
    (tmp_path / "mail.js").write_bytes(mark + b"a" + end + b"b" + end)
    assert find_functions(tmp_path).functions[0].read() == f"a{end.decode()}b{end.decode()}"


@given(st.lists(st.sampled_from(["\ufeff", " ", "\n", "\r\n", "\t", "\u00a0", "\u3000"]), max_size=6).map("".join))
def test_a_file_of_blanks_and_byte_order_marks_is_empty(blanks: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mail.js"
        file.write_bytes(blanks.encode())
        with pytest.raises(ValueError, match="is empty: a function needs code"):
            FunctionFile("mail", file).read()


def test_code_that_is_not_utf_8_or_gone_is_an_error_that_names_its_file(tmp_path: Path) -> None:
    (tmp_path / "mail.js").write_bytes(CODE.encode("gbk"))
    (function,) = find_functions(tmp_path).functions
    with pytest.raises(ValueError, match="is not UTF-8: save it in that encoding") as foreign:
        function.read()
    assert str(tmp_path / "mail.js") in str(foreign.value)
    (tmp_path / "mail.js").unlink()
    with pytest.raises(FileNotFoundError) as gone:
        function.read()
    assert str(gone.value) == f"there is no file {tmp_path}/mail.js"


def test_the_module_for_it_imports_nothing_that_takes_long_since_the_emulator_uses_it_too(shared_folder: Path) -> None:
    program = (
        "find_functions(sys.argv[1])\n"
        "print([name for name in ('httpx', 'httpcore', 'attr', 'asyncio', 'ssl', 'mincloud_api') if name in sys.modules])"
    )
    assert as_nobody(program, str(shared_folder)) == "[]\n"
