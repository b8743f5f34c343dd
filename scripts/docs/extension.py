"""A Sphinx extension for this documentation: links to public names, and pages made from the code.

- Code between backticks that names something public (`MinCloud`, `functions.invoke`) is a link to its reference.
- `error-tree` draws the tree of the errors from their classes.
- `contract-models` and `contract-values` document the public models of the contract and its enums.
- `command-line` describes each command from the parser that reads it.
- Every public name has its place in the reference, or the build fails.
- Each page leads to itself in the other language.
"""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from importlib import import_module
from textwrap import dedent
from typing import Any, ClassVar, cast

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.domains.python._object import PyObject
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import OptionSpec

from mincloud import MinCloudError
from mincloud.cli.arguments import program_parser
from mincloud.cli.exit_statuses import MEANINGS
from scripts import ROOT
from scripts.docs.translations import LANGUAGES

PUBLIC = ("mincloud", "mincloud_emulator")
# Classes whose objects a client creates, and not the user.
CREATED_BY_CLIENT = {"Credentials", "Functions", "Jobs", "Paginator", "Run"}
# The variables in examples, and their classes.
INSTANCES = {
    "cloud": "mincloud.MinCloud",
    "cloud.functions": "mincloud.Functions",
    "functions": "mincloud.Functions",
    "cloud.jobs": "mincloud.Jobs",
    "jobs": "mincloud.Jobs",
    "cloud.credentials": "mincloud.Credentials",
    "run": "mincloud.Run",
    "emulator": "mincloud_emulator.Emulator",
    "emulator.clock": "mincloud_emulator.Clock",
}
# What annotations name and the reference does not: Python's own, type variables, and types that nobody imports, which the texts beside them
# explain.
_NOT_LINKED = re.compile(
    r"datetime|(builtins|typing|collections\.abc|datetime|os|pathlib)\..+"
    r"|(.+\.)?(Item|Result|NotGiven|Secret|(Async)?HTTPClient|(EventSource|JobStatus|Plan|ServiceType)Value)"
)
_CODE_OF_A_NAME = re.compile(r"[A-Za-z_][\w.]*(?=$|\()")
_LINK_TO_FILE = re.compile(r"\[([^\]]+)\]\((?!https?:|#)[^)]+\)")
_LOG = logging.getLogger(__name__)


def public_name(code: str) -> str | None:
    """Returns the full public name in a piece of code, None if there is none.

    Args:
        code: The code, as `functions.invoke("greet")`.

    Raises:
        LookupError: The code names a member that the object does not have.
    """
    found = _CODE_OF_A_NAME.match(code)
    if found is None:
        return None
    name = found[0]
    for module in PUBLIC:
        bare = name.removeprefix(f"{module}.")
        # A word in lower case alone, as `contract`, may mean something else.
        if bare in import_module(module).__all__ and (bare != name or not bare.islower()):
            return f"{module}.{bare}"
    owner, _, member = name.rpartition(".")
    if owner not in INSTANCES:
        return None
    module, _, cls = INSTANCES[owner].partition(".")
    if not hasattr(getattr(import_module(module), cls), member):
        raise LookupError(f"{INSTANCES[owner]} has no {member!r}")
    return f"{INSTANCES[owner]}.{member}"


def _is_created_by_client(what: str, name: str) -> bool:
    bare = name.removeprefix("mincloud.")
    return what == "class" and (bare.removeprefix("Async") in CREATED_BY_CLIENT or bare in _contract_models())


def _contract_models() -> dict[str, type]:
    mincloud = import_module("mincloud")
    public = {name: getattr(mincloud, name) for name in mincloud.__all__}
    return {name: kind for name, kind in public.items() if getattr(kind, "__module__", "").startswith("mincloud_api.")}


def _hide_constructor(_app: Sphinx, what: str, name: str, *_unused: object) -> tuple[str, str] | None:
    """Leaves the constructor of such a class out of the reference."""
    return ("", "") if _is_created_by_client(what, name) else None


def _prepare_docstring(_app: Sphinx, what: str, name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Leaves out the arguments of such a constructor, which come last, and marks indented lines as code."""
    if _is_created_by_client(what, name) and "Args:" in lines:
        del lines[lines.index("Args:") :]
    for number in range(len(lines) - 1, 1, -1):
        begins = lines[number].startswith("    ") and not lines[number - 1].strip()
        if begins and lines[number - 2][:1].strip() and not lines[number - 2].endswith(":"):
            lines[number:number] = [".. code-block:: python", ""]


def _link_code(app: Sphinx, document: nodes.document) -> None:
    """Links code that names something public to its reference."""
    for literal in list(document.findall(nodes.literal)):
        if isinstance(literal.parent, (nodes.reference, nodes.title, addnodes.pending_xref)):
            continue
        try:
            name = public_name(literal.astext())
        except LookupError as error:
            _LOG.warning("%s: %s", literal.astext(), error, location=literal)
            continue
        if name is None:
            continue
        link = addnodes.pending_xref(
            "", reftype="obj", refdomain="py", reftarget=name, refdoc=app.env.docname, refwarn=True
        )
        link["classes"] = ["public-name"]
        literal.replace_self(link)
        link += literal


def _leave_unlinked(
    _app: Sphinx, _env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Shows the name of a type that is not linked as text; any other undefined name stays an error."""
    return content if node.get("refdomain") == "py" and _NOT_LINKED.fullmatch(node["reftarget"]) else None


def _directive(write: Callable[[], str], *classes: str) -> type[SphinxDirective]:
    """Makes a directive of a function that writes text in the markup of the page."""

    class Written(SphinxDirective):
        def run(self) -> list[nodes.Node]:
            written = self.parse_text_to_nodes(write(), allow_section_headings=True)
            for part in (text for node in written for text in node.findall(nodes.TextElement)):
                part["translatable"] = False  # what comes from the code stays in English
            if classes:
                cast("nodes.Element", written[0])["classes"] += classes
            return written

    return Written


def _error_item(error: type[Exception], indent: str = "") -> str:
    """Writes an item of a list: an error, the first line of its docstring, and its subclasses below."""
    line = (inspect.getdoc(error) or "").partition("\n")[0]
    line = f"{line[0].lower()}{line[1:]}" if line[1:2].islower() else line
    branches = sorted(error.__subclasses__(), key=lambda each: inspect.getsourcelines(each)[1])
    below = "".join(_error_item(each, f"{indent}  ") for each in branches)
    return f"{indent}- `{error.__name__}`: {line}\n\n{below}"


def _model_reference(*, values: bool) -> str:
    """Writes the reference of the contract's public models, or of its enums, in reStructuredText."""
    members = ":members:\n   :undoc-members:" if values else ":members: to_dict"
    names = [name for name, kind in _contract_models().items() if issubclass(kind, Enum) == values]
    return "\n".join(f".. autoclass:: mincloud.{name}\n   {members}\n" for name in names)


def _commands() -> Iterator[str]:
    """Yields the sections of the commands of `mincloud-py` from their parsers, in Markdown."""
    program, commands = program_parser()
    shared = [action for action in _arguments(program) if action.dest not in ("command", "version")]
    known = {action.dest for action in shared}
    yield f"### Options of every command\n\n{_options(shared)}"
    for name, parser in commands.items():
        usage = " ".join(parser.format_usage().removeprefix("usage:").split())
        for spelled in ("-h", *(_syntax(action, short=True) for action in shared)):
            usage = usage.replace(f" [{spelled}]", "")
        examples = re.match(r"\s*examples?:\n((?:  .*\n)+)", f"{parser.epilog}\n")
        if examples is None:
            raise LookupError(f"{parser.prog} --help has no examples")
        yield f"({name})=\n### mincloud-py {name}"
        yield f"{parser.description}\n\n```text\n{usage}\n```"
        yield _options(action for action in _arguments(parser) if action.dest not in known)
        yield f"For example:\n\n```sh\n{dedent(examples[1])}```"


class RepositoryText(SphinxDirective):
    """A Markdown file of the repository, without its title; links to other files become plain text."""

    required_arguments = 1
    option_spec: ClassVar[OptionSpec | None] = {"deeper": int}

    def run(self) -> list[nodes.Node]:
        """Parses the file."""
        file = ROOT / str(self.arguments[0])
        self.env.note_dependency(str(file))
        _, _, text = file.read_text("utf-8").partition("\n")
        text = _LINK_TO_FILE.sub(r"\1", text)
        deeper = "#" * int(self.options.get("deeper", 0))
        text = re.sub(r"^(##+ )", rf"{deeper}\1", text, flags=re.MULTILINE)
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def _arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if action.dest != "help"]  # noqa: SLF001 - argparse has no other list


def _options(actions: Iterable[argparse.Action]) -> str:
    return _table("argument", ((_syntax(action), _help_of(action)) for action in actions))


def _table(heading: str, rows: Iterable[tuple[str, str]]) -> str:
    """Writes a table of pieces of code and their meanings; empty without rows."""
    lines = "".join(f"| `{code}` | {meaning} |\n" for code, meaning in rows)
    return lines and f"| {heading} | meaning |\n| --- | --- |\n{lines}"


def _syntax(action: argparse.Action, *, short: bool = False) -> str:
    metavar = cast("str", action.metavar or action.dest.upper())
    if not action.option_strings:
        return metavar if action.nargs not in ("+", "*") else f"{metavar} ..."
    names = action.option_strings[0] if short else ", ".join(action.option_strings)
    return names if action.nargs == 0 else f"{names} {metavar}"


def _help_of(action: argparse.Action) -> str:
    text = (action.help or "") % {"default": action.default, "prog": "mincloud-py"}
    choices = action.choices
    if choices is not None and action.metavar is None:
        text = f"{text}; one of {', '.join(f'`{choice}`' for choice in choices)}"
    return text


def _add_languages(app: Sphinx, page: str, _template: str, context: dict[str, Any], _document: object) -> None:
    """Gives the sidebar's template the addresses of the page in the other languages."""
    up = "../" * page.count("/")
    own = LANGUAGES[app.config.language].folder
    root = f"{up}../" if own else up
    context["languages"] = [
        (each.name, None if each.folder == own else f"{root}{each.folder}{page}.html", code.replace("_", "-"))
        for code, each in LANGUAGES.items()
    ]


def _check_complete(app: Sphinx, env: BuildEnvironment) -> None:
    """Warns of a public name that the reference leaves out, which fails the build."""
    documented = env.domains.python_domain.objects
    for module in PUBLIC:
        for name in import_module(module).__all__:
            if not name.startswith("__") and f"{module}.{name}" not in documented:
                _LOG.warning("%s.%s is public and not in docs/reference/: add it there", module, name)


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the extension with Sphinx."""
    [variable] = (field for field in PyObject.doc_field_types if field.name == "variable")
    variable.label = "Attributes"  # as docstrings head them
    app.add_directive("error-tree", _directive(lambda: _error_item(MinCloudError), "error-tree"))
    app.add_directive("command-line", _directive(lambda: "\n\n".join(_commands())))
    statuses = [(str(status), meaning) for status, meaning in MEANINGS]
    app.add_directive("exit-statuses", _directive(lambda: _table("status", statuses)))
    app.add_directive("repository-text", RepositoryText)
    app.add_directive("contract-models", _directive(lambda: _model_reference(values=False)))
    app.add_directive("contract-values", _directive(lambda: _model_reference(values=True)))
    app.connect("autodoc-process-signature", _hide_constructor)
    app.connect("autodoc-process-docstring", _prepare_docstring, priority=100)  # before napoleon
    app.connect("doctree-read", _link_code)
    app.connect("missing-reference", _leave_unlinked)
    app.connect("html-page-context", _add_languages)
    app.connect("env-check-consistency", _check_complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
