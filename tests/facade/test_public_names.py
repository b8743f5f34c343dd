"""What the package offers: its names, their signatures on both sides, and their documentation."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe
import mincloud_api.models
import pytest
import yaml

import mincloud
from mincloud import errors, transports
from scripts.compatibility.public_names import exported_names

ROOT = Path(__file__).resolve().parents[2]
NAMES = dir(mincloud)

# Each asynchronous class and the one of the other client that answers to it.
TWINS = {
    "AsyncCredentials": "Credentials",
    "AsyncFoundCall": "FoundCall",
    "AsyncFunctions": "Functions",
    "AsyncJobs": "Jobs",
    "AsyncMinCloud": "MinCloud",
    "AsyncPaginator": "Paginator",
    "AsyncRun": "Run",
    "AsyncTransport": "Transport",
}
RENAMED = {
    "aclose": "close",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
}
# What cannot raise, by its nature.
NEVER_RAISES = {
    "close",
    "aclose",
    "MinCloud.functions",
    "MinCloud.jobs",
    "MinCloud.credentials",
    "FoundCall",
    "FoundCall.state",
    "Run.job",
    "Run.done",
    "Run.failed",
    "Run.to_dict",
    "Page",
    "Attempt",
    "Outcome",
    "Deployment",
    "FolderProblem",
    "FunctionFile",
    "FunctionFolder",
    "Request",
    "Response",
    "Response.header",
    "Credentials",
    "Functions",
    "Jobs",
    "Run",
    "Transport",
}


def public_members(kind: type) -> dict[str, Any]:
    """The attributes of a class that a user may use, the magic ones that it defines included."""
    return {
        name: value
        for name, value in vars(kind).items()
        if (not name.startswith("_") or name in {*RENAMED, *RENAMED.values(), "__init__"})
        and (callable(value) or isinstance(value, property | classmethod | staticmethod))
    }


def plain_function(member: Any) -> Any:
    return member.fget if isinstance(member, property) else getattr(member, "__func__", member)


# Names


def test_every_name_is_there_and_nothing_else_is_listed() -> None:
    assert len(NAMES) == len(set(NAMES))
    for name in NAMES:
        assert getattr(mincloud, name) is not None
    assert dir(mincloud) == NAMES
    assert [name for name in NAMES if name.startswith("_")] == ["__version__"]
    assert set(NAMES) == set(vars(mincloud)["__getattr__"]("__all__"))


def test_type_checkers_see_the_names_that_are_there_at_run_time() -> None:
    module = griffe.load("mincloud", search_paths=[ROOT, ROOT / "generated"])
    assert isinstance(module, griffe.Module)
    assert exported_names(module) == NAMES


def test_each_name_but_errors_and_transports_is_loaded_when_it_is_first_used() -> None:
    at_once = {*errors.__all__, *transports.__all__, "__version__"}
    program = (
        "import sys, mincloud; loaded = set(vars(mincloud)); names = dir(mincloud)\n"
        "print(sorted(name for name in names if name in loaded))\n"
        "print([name for name in names if getattr(mincloud, name) is not vars(mincloud)[name]])"
    )
    assert python(program) == f"{sorted(at_once)}\n[]"


def test_every_error_and_transport_is_offered() -> None:
    assert {*errors.__all__, *transports.__all__} <= set(NAMES)
    defined = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception) and value.__module__ == errors.__name__
    }
    assert defined == set(errors.__all__)
    for name in errors.__all__:
        assert issubclass(getattr(mincloud, name), mincloud.MinCloudError)


def test_the_tree_of_errors_in_their_documentation_is_the_true_one() -> None:
    assert errors.__doc__ is not None
    for name in errors.__all__:
        assert re.search(rf"\b{name}\b", errors.__doc__), name


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'mincloud' has no attribute 'Mincloud'"):
        getattr(mincloud, "Mincloud")  # noqa: B009 - a type checker knows that it is missing


def python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_loads_nothing_that_takes_long() -> None:
    heavy = (
        "httpx",
        "httpcore",
        "attr",
        "attrs",
        "anyio",
        "asyncio",
        "ssl",
        "mincloud_api",
        "mincloud_emulator",
        "rich",
    )
    loaded = f"[name for name in {heavy!r} if name in sys.modules]"
    assert python(f"import sys, mincloud; print({loaded})") == "[]"


def test_using_a_client_does_not_load_the_other_one_nor_the_emulator() -> None:
    program = "import sys, mincloud; mincloud.MinCloud; print([n for n in sys.modules if n.startswith({!r})])"
    assert python(program.format("mincloud._async")) == "[]"
    assert python(program.format("mincloud_emulator")) == "[]"


def test_everything_can_be_imported_with_a_star() -> None:
    assert (
        python("from mincloud import *; print(MinCloud.__name__, NotFound.__mro__[1].__name__)") == "MinCloud APIError"
    )


# Both sides alike


def test_every_asynchronous_class_has_its_twin() -> None:
    assert {name for name in NAMES if name.startswith("Async")} == set(TWINS)
    assert set(TWINS.values()) <= set(NAMES)


@pytest.mark.parametrize(("asynchronous", "synchronous"), TWINS.items())
def test_both_clients_have_the_same_members_with_the_same_signatures(asynchronous: str, synchronous: str) -> None:
    ours, theirs = public_members(getattr(mincloud, asynchronous)), public_members(getattr(mincloud, synchronous))
    assert [RENAMED.get(name, name) for name in ours] == list(theirs)
    for name, member in ours.items():
        twin = theirs[RENAMED.get(name, name)]
        assert type(member) is type(twin), name
        assert spelled_out(plain_function(member)) == spelled_out(plain_function(twin)), name


def spelled_out(function: Any) -> list[tuple[str, Any, Any, str]]:
    """The parameters of a function and what it returns, as the synchronous side writes it."""
    signature = inspect.signature(function)
    parameters = [
        (each.name, each.kind, each.default, without_async(each.annotation)) for each in signature.parameters.values()
    ]
    return [*parameters, ("returns", None, None, without_async(signature.return_annotation))]


def without_async(annotation: object) -> str:
    text = str(annotation)
    text = re.sub(r"Awaitable\[(\w+)\]", r"\1", text)
    return re.sub(r"\bAsync(?=[A-Z])", "", text)


@pytest.mark.parametrize(("asynchronous", "synchronous"), TWINS.items())
def test_what_sends_something_is_awaited_on_one_side_only(asynchronous: str, synchronous: str) -> None:
    at_once = {
        "list",
        "map",
        "with_options",
        "pages",
        "__init__",
        "__aiter__",
        "functions",
        "jobs",
        "job",
        "credentials",
        "resume",
        "as_completed",
        "state",
        "done",
        "failed",
        "to_dict",
    }
    for name, member in public_members(getattr(mincloud, asynchronous)).items():
        assert inspect.iscoroutinefunction(plain_function(member)) == (name not in at_once), name
    for name, member in public_members(getattr(mincloud, synchronous)).items():
        assert not inspect.iscoroutinefunction(plain_function(member)), name


# Representations


@pytest.mark.parametrize("kind", [mincloud.MinCloud, mincloud.AsyncMinCloud])
def test_what_belongs_to_a_client_says_what_it_is(kind: Any) -> None:
    cloud = kind(base_url="http://127.0.0.1:9", access_token="t", environment="e")
    side = "Async" if kind is mincloud.AsyncMinCloud else ""
    place = "http://127.0.0.1:9, environment e"
    assert repr(cloud.functions) == f"<{side}Functions of {place}>"
    assert repr(cloud.jobs) == f"<{side}Jobs of {place}>"
    functions, jobs = cloud.functions.list(page_size=7), cloud.jobs.list("测试")
    assert repr(functions) == f"<{side}Paginator of functions, page_size=7>"
    assert repr(jobs) == f"<{side}Paginator of jobs of '测试', page_size=100>"
    assert functions
    with pytest.raises(TypeError, match=r"^a list of the service has no len\(\): its `total` asks for how many"):
        len(functions)


# Documentation


def documented() -> Iterator[tuple[str, Any]]:
    for name in NAMES:
        value = getattr(mincloud, name)
        if not isinstance(value, type):
            if inspect.isfunction(value):
                yield name, value
            continue
        if value.__module__.startswith("mincloud_api"):
            continue
        yield name, value
        for member_name, member in public_members(value).items():
            if not member_name.startswith("__"):
                yield f"{name}.{member_name}", member


EVERYTHING = dict(documented())


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_public_name_has_a_docstring_with_its_errors(name: str) -> None:
    text = inspect.getdoc(EVERYTHING[name])
    assert text
    assert re.match("[A-Z0-9]", text)
    is_error = isinstance(EVERYTHING[name], type) and issubclass(EVERYTHING[name], Exception)
    plain = name.removeprefix("Async").replace(".aclose", ".close")
    if not is_error and plain not in NEVER_RAISES and plain.rpartition(".")[2] not in NEVER_RAISES:
        assert "Raises:" in text


@pytest.mark.parametrize("name", EVERYTHING)
def test_every_argument_is_documented_under_its_name(name: str) -> None:
    member = EVERYTHING[name]
    text = inspect.getdoc(member) or ""
    if isinstance(member, type):
        if not issubclass(member, mincloud.MinCloud | mincloud.AsyncMinCloud):
            return
        member = member.__init__
    named = [each for each in inspect.signature(plain_function(member)).parameters if each != "self"]
    described = re.findall(r"^    (\w+): ", text.partition("Args:\n")[2].partition("\n\n")[0], re.MULTILINE)
    assert described == named


def test_docstrings_name_operations_of_the_contract() -> None:
    contract = yaml.safe_load((ROOT / "openapi" / "mincloud.yaml").read_text(encoding="utf-8"))
    known: set[str] = {
        operation["operationId"]
        for path in contract["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "operationId" in operation
    }
    named: set[str] = set()
    for member in EVERYTHING.values():
        for words in re.findall(r"[Oo]perations?:? ((?:\w+(?:, then |, | or | and )?)+)", inspect.getdoc(member) or ""):
            named |= set(re.findall(r"\b[a-z]+[A-Z]\w+", words))
    assert named <= known
    # The old way to trigger a function is superseded, and authorising is the credentials' own business.
    assert known - named <= {"triggerFunction", "authorize", "createAccessToken"}


@pytest.mark.parametrize("name", [name for name in EVERYTHING if not name.startswith("Async")])
def test_documentation_of_the_synchronous_side_does_not_speak_of_awaiting(name: str) -> None:
    assert not re.search(r"\bawait|async (for|with)|\bAsync[A-Z]", inspect.getdoc(EVERYTHING[name]) or "")


def test_every_public_method_has_a_test() -> None:
    texts = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    untested = [
        name
        for name, member in EVERYTHING.items()
        if "." in name and not name.startswith("Async") and inspect.isfunction(member)
        if not re.search(rf"\.{name.partition('.')[2]}\b", texts)
    ]
    assert untested == []


def test_every_model_that_a_public_method_takes_or_returns_is_public() -> None:
    generated = set(mincloud_api.models.__all__)
    for name, member in EVERYTHING.items():
        if not isinstance(member, type):
            annotations = str(inspect.signature(plain_function(member)))
            assert generated & set(re.findall(r"\w+", annotations)) <= set(NAMES), name
    for name in generated & set(NAMES):
        fields = getattr(getattr(mincloud, name), "__attrs_attrs__", ())
        assert generated & set(re.findall(r"\w+", str([field.type for field in fields]))) <= set(NAMES), name


# Types


def test_nothing_public_is_any_but_a_functions_data_its_conversions_and_a_parsed_document() -> None:
    loose: set[str] = set()
    for name, member in EVERYTHING.items():
        if isinstance(member, type):
            loose |= {
                f"{name}.{field}"
                for field, kind in vars(member).get("__annotations__", {}).items()
                if "Any" in str(kind)
            }
            continue
        signature = inspect.signature(plain_function(member))
        loose |= {f"{name}({each.name})" for each in signature.parameters.values() if "Any" in str(each.annotation)}
        if "Any" in str(signature.return_annotation):
            loose.add(f"{name} ->")
    data = {f"{call}(data)" for call in ("Functions.invoke", "Functions.trigger", "Functions.debug")}
    data |= {"Functions.map(inputs)", "Functions.invoke ->", "Run.result ->"}
    data |= {"Functions.resume(saved)", "Functions.find_calls(calls)", "Run.to_dict ->"}  # the data among it
    data |= {"Functions.invoke(returns)", "MinCloud.with_options(default)"}
    assert loose == {"Outcome.input", "Outcome.data", "Outcome.run", "contract ->"} | data | {
        f"Async{each}" for each in data
    }
