"""What the documentation needs of Sphinx beyond its own: names that link themselves, and pages made from the code.

- Code between backticks that names something public (`MinCloud`, `functions.invoke`) is a link to its reference.
- `error-tree` draws the tree of the errors from their classes.
- `command-line` describes each command from the parser that reads it.
- Every public name has its place in the reference, or the build fails.
- Each page leads to itself in the other language.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, cast

from docutils import nodes
from sphinx import addnodes
from sphinx.domains.python._object import PyObject
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from scripts import ROOT
from scripts.docs.translations import LANGUAGES

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from sphinx.application import Sphinx
    from sphinx.environment import BuildEnvironment
    from sphinx.util.typing import OptionSpec

    _Cells = tuple[list[nodes.Node], list[nodes.Node]]

PUBLIC = ("mincloud", "mincloud_emulator")
# What a client gives, and nobody makes.
GIVEN = (
    "Credentials",
    "Functions",
    "Jobs",
    "Paginator",
    "Run",
    "CloudFunction",
    "DebugResult",
    "InvocationError",
    "Job",
)
# How texts call an object, and what it is an instance of.
SPOKEN = {
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
# Where the names in annotations come from that are not ours.
_FOREIGN = ("builtins", "typing", "collections.abc", "datetime", "os", "pathlib")
# Type variables, and types of ours that annotations name and nobody imports: the texts beside them say what they stand for.
_NOT_LINKED = (
    "Item",
    "Result",
    "NotGiven",
    "Secret",
    "HTTPClient",
    "AsyncHTTPClient",
    "EventSourceValue",
    "JobStatusValue",
    "PlanValue",
    "ServiceTypeValue",
)
_CODE_OF_A_NAME = re.compile(r"[A-Za-z_][\w.]*(?=$|\()")
_LINK_TO_FILE = re.compile(r"\[([^\]]+)\]\((?!https?:|#)[^)]+\)")
_LOG = logging.getLogger(__name__)


def public_name(code: str) -> str | None:
    """The full name of what a piece of code names, None if it names nothing public.

    Args:
        code: The code, as `functions.invoke("greet")`.

    Raises:
        LookupError: It speaks of one of our objects, which has nothing of that name.
    """
    found = _CODE_OF_A_NAME.match(code)
    if found is None:
        return None
    name = found[0]
    for module in PUBLIC:
        bare = name.removeprefix(f"{module}.")
        # A word in small letters alone, as `contract`, may mean anything.
        if bare in import_module(module).__all__ and (bare != name or not bare.islower()):
            return f"{module}.{bare}"
    owner, _, member = name.rpartition(".")
    if owner not in SPOKEN:
        return None
    module, _, cls = SPOKEN[owner].partition(".")
    if not hasattr(getattr(import_module(module), cls), member):
        raise LookupError(f"{SPOKEN[owner]} has no {member!r}")
    return f"{SPOKEN[owner]}.{member}"


def _is_given(what: str, name: str) -> bool:
    return what == "class" and name.removeprefix("mincloud.").removeprefix("Async") in GIVEN


def _hide_constructor(
    _app: Sphinx, what: str, name: str, _object: object, _options: object, _signature: str | None, _returns: str | None
) -> tuple[str, str] | None:
    """Leaves the constructor out of the reference where it is not the user's to call."""
    return ("", "") if _is_given(what, name) else None


def _prepare_docstring(_app: Sphinx, what: str, name: str, _object: object, _options: object, lines: list[str]) -> None:
    """Leaves out what a docstring says of such a constructor, and marks indented lines as code."""
    if _is_given(what, name):
        for heading in {"Args:", "Raises:"} & set(lines):
            start = lines.index(heading)
            end = next((number for number in range(start + 1, len(lines)) if lines[number][:1].strip()), len(lines))
            del lines[start:end]
    for number in range(len(lines) - 1, 1, -1):
        begins = lines[number].startswith("    ") and not lines[number - 1].strip()
        if begins and lines[number - 2][:1].strip() and not lines[number - 2].endswith(":"):
            lines[number:number] = [".. code-block:: python", ""]


def _link_code(app: Sphinx, document: nodes.document) -> None:
    """Makes links of the code in a page that names something public."""
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


def _foreign_name(
    app: Sphinx, env: BuildEnvironment, node: addnodes.pending_xref, content: nodes.Element
) -> nodes.Element | None:
    """Lets a name in an annotation stand as text that is Python's own; one that nothing defines stays an error."""
    if node.get("refdomain") != "py":
        return None
    target = str(node["reftarget"])
    if target.rpartition(".")[2] in _NOT_LINKED:
        return content
    for module in _FOREIGN:
        if hasattr(import_module(module), target.removeprefix(f"{module}.")):
            return content
    return None


class ErrorTree(SphinxDirective):
    """The tree of the errors, from their classes: each with its first line, and the attributes that it adds."""

    def run(self) -> list[nodes.Node]:
        """Draws it."""
        from mincloud import MinCloudError  # noqa: PLC0415 - scripts load what they need when they need it

        tree = nodes.bullet_list(classes=["error-tree"])
        tree += self._branch(MinCloudError)
        return [tree]

    def _branch(self, kind: type[Exception]) -> nodes.list_item:
        line = nodes.paragraph()
        line += nodes.literal(text=kind.__name__)
        line += nodes.Text(": ")
        line += _inline(_first_line(kind))
        item = nodes.list_item("", line)
        branches = nodes.bullet_list()
        for child in sorted(kind.__subclasses__(), key=lambda one: inspect.getsourcelines(one)[1]):
            branches += self._branch(child)
        if branches.children:
            item += branches
        return item


def _first_line(documented: object) -> str:
    line = (inspect.getdoc(documented) or "").partition("\n")[0]
    return f"{line[0].lower()}{line[1:]}" if line[1:2].islower() else line


class CommandLine(SphinxDirective):
    """A section for each command of `mincloud-py`, from its parser."""

    def run(self) -> list[nodes.Node]:
        """Writes them."""
        from mincloud.cli.arguments import program_parser  # noqa: PLC0415 - scripts load what they need when they need it

        program, commands = program_parser()
        shared = [action for action in _arguments(program) if action.dest not in ("command", "version")]
        written: list[nodes.Node] = [
            self._section("Options of every command", "options-of-every-command", _options(shared))
        ]
        known = {action.dest for action in shared}
        for name, parser in commands.items():
            own = [action for action in _arguments(parser) if action.dest not in known]
            usage = " ".join(parser.format_usage().removeprefix("usage:").split())
            content = [
                *_paragraphs(parser.description or ""),
                _code(_short(usage, shared), "text"),
                *_options(own),
                nodes.paragraph(text="For example:"),
                _code(_examples(parser), "sh"),
            ]
            written.append(self._section(f"mincloud-py {name}", name, content))
        return written

    def _section(self, title: str, identifier: str, content: Iterable[nodes.Node]) -> nodes.section:
        section = nodes.section(ids=[identifier], names=[identifier])
        section += nodes.title(text=title)
        for node in content:
            section += node
        self.state.document.note_explicit_target(section, section)
        return section


class RepositoryText(SphinxDirective):
    """A Markdown file of the repository, without its title; links to files that are no pages become their text."""

    required_arguments = 1
    option_spec: ClassVar[OptionSpec | None] = {"deeper": int}

    def run(self) -> list[nodes.Node]:
        """Reads it."""
        file = ROOT / str(self.arguments[0])
        self.env.note_dependency(str(file))
        _, _, text = file.read_text("utf-8").partition("\n")
        text = _LINK_TO_FILE.sub(r"\1", text)
        deeper = "#" * int(self.options.get("deeper", 0))
        text = re.sub(r"^(##+ )", rf"{deeper}\1", text, flags=re.MULTILINE)
        return self.parse_text_to_nodes(text, allow_section_headings=True)


class ExitStatuses(SphinxDirective):
    """The table of exit statuses, from the code that gives them."""

    def run(self) -> list[nodes.Node]:
        """Writes it."""
        from mincloud.cli.exit_statuses import MEANINGS  # noqa: PLC0415 - scripts load what they need when they need it

        rows: list[_Cells] = [([nodes.literal(text=str(status))], _inline(meaning)) for status, meaning in MEANINGS]
        return [_table(("status", "meaning"), rows)]


def _arguments(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    # argparse has no other way to list them in their groups.
    return [action for action in parser._actions if action.dest != "help"]  # noqa: SLF001 - see above


def _short(usage: str, shared: Iterable[argparse.Action]) -> str:
    """The usage without the options that every command has."""
    for spelled in ("-h", *(_spelled(action, short=True) for action in shared)):
        usage = usage.replace(f" [{spelled}]", "")
    return usage


def _options(actions: Iterable[argparse.Action]) -> list[nodes.Node]:
    rows: list[_Cells] = [([nodes.literal(text=_spelled(action))], _inline(_help_of(action))) for action in actions]
    return [_table(("argument", "meaning"), rows)] if rows else []


def _spelled(action: argparse.Action, *, short: bool = False) -> str:
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


def _examples(parser: argparse.ArgumentParser) -> str:
    found = re.search(r"\A\s*examples?:\n((?:  .*\n)+)", f"{parser.epilog}\n")
    if found is None:
        raise LookupError(f"{parser.prog} --help has no examples")
    return "\n".join(line.strip() for line in found[1].splitlines())


def _paragraphs(text: str) -> Iterator[nodes.Node]:
    for paragraph in text.split("\n\n"):
        yield nodes.paragraph("", "", *_inline(" ".join(paragraph.split())))


def _inline(text: str) -> list[nodes.Node]:
    """A text, with what stands between backticks as code."""
    return [
        nodes.literal(text=part) if number % 2 else nodes.Text(part)
        for number, part in enumerate(text.split("`"))
        if part
    ]


def _code(text: str, language: str) -> nodes.literal_block:
    return nodes.literal_block(text, text, language=language)


def _table(headings: tuple[str, str], rows: Iterable[_Cells]) -> nodes.Node:
    group = nodes.tgroup("", nodes.colspec(colwidth=30), nodes.colspec(colwidth=70), cols=2)
    group += nodes.thead("", _row([[nodes.Text(heading)] for heading in headings]))
    group += nodes.tbody("", *(_row(row) for row in rows))
    return nodes.table("", group)


def _row(cells: Iterable[list[nodes.Node]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *cell)) for cell in cells))


def _offer_languages(app: Sphinx, page: str, _template: str, context: dict[str, Any], _document: object) -> None:
    """Gives a page the addresses of the same page in the other languages, for the template of the sidebar."""
    up = "../" * page.count("/")
    own = LANGUAGES[app.config.language].folder
    root = f"{up}../" if own else up
    context["languages"] = [
        (each.name, None if each.folder == own else f"{root}{each.folder}{page}.html", code.replace("_", "-"))
        for code, each in LANGUAGES.items()
    ]


def _check_complete(app: Sphinx, env: BuildEnvironment) -> None:
    """Fails the build for a public name that the reference leaves out."""
    documented = env.domains.python_domain.objects
    for module in PUBLIC:
        for name in import_module(module).__all__:
            if not name.startswith("__") and f"{module}.{name}" not in documented:
                _LOG.warning("%s.%s is public and not in docs/reference/: add it there", module, name)


def _call_attributes_so() -> None:
    """Has the fields of a class under the heading that its docstring gives them."""
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"


def setup(app: Sphinx) -> dict[str, Any]:
    """Joins Sphinx."""
    _call_attributes_so()
    app.add_directive("error-tree", ErrorTree)
    app.add_directive("command-line", CommandLine)
    app.add_directive("exit-statuses", ExitStatuses)
    app.add_directive("repository-text", RepositoryText)
    app.connect("autodoc-process-signature", _hide_constructor)
    app.connect("autodoc-process-docstring", _prepare_docstring, priority=100)  # before napoleon
    app.connect("doctree-read", _link_code)
    app.connect("missing-reference", _foreign_name)
    app.connect("html-page-context", _offer_languages)
    app.connect("env-check-consistency", _check_complete)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
