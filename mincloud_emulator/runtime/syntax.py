"""Finds the syntax in a function that can't be read: by this Node, or by the older one that the service runs.

The parser is acorn, which comes inside Node. It is not a public interface of Node's, so that where
it can't be had, nothing is said.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .node import BARE_ENVIRONMENT, NodeMissing, find_node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .node import NodeInfo

_SCRIPT = Path(__file__).resolve().with_name("newer_syntax.cjs")
_PARSER = Path(__file__).resolve().with_name("syntax_errors.cjs")
_PLACE = re.compile(r"code:(\d+)\n(?:(.*)\n([^\S\n]*)(\^+)\n)?")
_ABOUT_MODULES = re.compile(r"import statement|'import|'export|Unexpected reserved word")
_LONGEST_EXCERPT = 100
_FIRST_WITH_PARSER = (16,)  # the acorn in older ones does not know the newer syntax
_SECONDS = 20.0

# What newer syntax can't do without. Most code has none of it, and Node need not be started.
_SUSPECT = re.compile(r"\?\.|\?\?|\|\|=|&&=|#[\w$]|\bstatic\s*\{|/[a-z]*[dv]")


@dataclass(frozen=True, slots=True)
class SyntaxFault:
    """An error of syntax in a function.

    Attributes:
        message: What Node says of it, as `SyntaxError: Unexpected token ';'`.
        line: Its line, from 1; None if Node does not say.
        column: Its column, from 1; None if Node does not say.
        excerpt: The line, or a part of a long one, and a line with carets under the place; empty if Node does not say.
    """

    message: str
    line: int | None
    column: int | None
    excerpt: tuple[str, ...]

    @property
    def needs_bundling(self) -> bool:
        """Whether the code is an ES module, which the service does not run."""
        return _ABOUT_MODULES.search(self.message) is not None

    @property
    def summary(self) -> str:
        """The error on one line."""
        place = "" if self.line is None else f"line {self.line}: "
        hint = "; the service runs CommonJS: bundle it to that, or assign exports.main" if self.needs_bundling else ""
        return f"{place}{self.message}{hint}"


def syntax_faults(codes: Sequence[str], node: NodeInfo) -> list[SyntaxFault | None]:
    """Looks for errors of syntax without running anything. Starts Node once, and blocks meanwhile.

    Args:
        codes: The functions' JavaScript.
        node: The Node that reads them.

    Returns:
        The first error of each function, or None if there is none or no way to tell.
    """
    answer = _ask([node.path, "--no-warnings", str(_PARSER)], json.dumps(codes))
    found: list[dict[str, str] | None] = [None] * len(codes) if answer is None else json.loads(answer)
    return [None if error is None else _fault(error["message"], error["stack"]) for error in found]


def check_syntax(codes: Sequence[str], node: str | None = None) -> list[str | None]:
    """Looks for what can't be read in functions. Starts Node, and blocks meanwhile.

    Args:
        codes: The functions' JavaScript.
        node: Which Node runs functions, as `find_node` takes it.

    Returns:
        For each function a line about the first error or the first syntax that Node 12 does not know, or None if there is
        none or no way to tell.
    """
    try:
        found = find_node(node)
    except NodeMissing:
        return [None] * len(codes)
    lines = [None if fault is None else fault.summary for fault in syntax_faults(codes, found)]
    return [line or check_node12_syntax(code, found) for code, line in zip(codes, lines, strict=True)]


def _fault(message: str, stack: str) -> SyntaxFault:
    found = _PLACE.match(stack)
    if found is None:
        return SyntaxFault(message, None, None, ())
    if found[4] is None:
        return SyntaxFault(message, int(found[1]), None, ())
    text, column, carets = found[2], len(found[3]), found[4]
    start = max(0, column - _LONGEST_EXCERPT // 2) if len(text) > _LONGEST_EXCERPT else 0
    shown = text[start : start + _LONGEST_EXCERPT]
    # A tabulator stays one, so that the carets stand where they should.
    blanks = "".join(character if character == "\t" else " " for character in shown[: column - start])
    carets = carets[: max(1, len(shown) - len(blanks))]
    return SyntaxFault(message, int(found[1]), column + 1, (shown, blanks + carets))


def _ask(command: Sequence[str], text: str) -> str | None:
    """Runs a Node script; None if it can't tell what it is asked for."""
    try:
        answer = subprocess.run(  # noqa: S603 - the same program that runs the functions
            command,
            input=text.encode(errors="replace"),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env=BARE_ENVIRONMENT,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.decode(errors="replace") if answer.returncode == 0 else None


def check_node12_syntax(code: str, node: NodeInfo | None = None) -> str | None:
    """Looks for syntax that Node 12, which the service runs, does not know. Starts Node, and blocks meanwhile.

    What a function uses of Node's interfaces is not looked at, nor is code that no Node can read:
    a call of it tells.

    Args:
        code: The function's JavaScript.
        node: The Node whose parser to use, found by default.

    Returns:
        One line that names the first such piece of syntax and its place, or None if there is none
        or there is no way to tell.
    """
    if not _SUSPECT.search(code):
        return None
    if node is None:
        try:
            node = find_node()
        except NodeMissing:
            return None
    if node.version < _FIRST_WITH_PARSER:
        return None  # so old that a call shows it, or nearly
    answer = _ask([node.path, "--no-warnings", "--expose-internals", str(_SCRIPT)], code)
    return (answer or "").strip() or None
