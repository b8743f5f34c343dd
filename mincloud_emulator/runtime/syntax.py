"""Checks the syntax of functions: what this Node, or the older one that the service runs, does not know.

The newer syntax is found by acorn, which is inside Node. It is not a public interface of Node's: where it is missing, only errors
are reported.
"""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .node import BARE_ENVIRONMENT, NodeMissing, find_node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .node import NodeInfo

_SCRIPT = Path(__file__).resolve().with_name("syntax.cjs")
_PLACE = re.compile(r"code:(\d+)\n(?:(.*)\n([^\S\n]*)(\^+)\n)?")
_ABOUT_MODULES = re.compile(r"import statement|'import|'export|Unexpected reserved word")
_LONGEST_EXCERPT = 100
_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class SyntaxFault:
    """A syntax error in a function, or syntax that is newer than the service's Node 12.

    Attributes:
        message: Node's message, such as `SyntaxError: Unexpected token ';'`, or what the syntax needs.
        line: Its line, from 1; None if Node does not say.
        column: Its column, from 1; None if Node does not say.
        excerpt: The line, or a part of a long one, and a line with carets under the place; empty if Node does not say.
        newer: Whether it is no error, but newer than Node 12.
    """

    message: str
    line: int | None
    column: int | None
    excerpt: tuple[str, ...] = ()
    newer: bool = False

    @property
    def needs_bundling(self) -> bool:
        """Whether the code is an ES module, which the service does not run."""
        return _ABOUT_MODULES.search(self.message) is not None

    @property
    def summary(self) -> str:
        """The fault on one line."""
        place = "" if self.line is None else f"line {self.line}: "
        if self.newer:
            place = f"line {self.line}, column {self.column}: "
        hint = "; the service runs CommonJS: bundle it to that, or assign exports.main" if self.needs_bundling else ""
        return f"{place}{self.message}{hint}"


def syntax_faults(codes: Sequence[str], node: NodeInfo) -> list[SyntaxFault | None]:
    """Checks the syntax of functions without running them. Starts Node once, and blocks meanwhile.

    Args:
        codes: The functions' JavaScript.
        node: The Node that reads them.

    Returns:
        For each function its first error, else its first syntax that Node 12 does not know, else None; also None if Node does
        not answer.
    """
    try:
        answer = subprocess.run(  # noqa: S603 - the same program that runs the functions
            [node.path, "--no-warnings", "--expose-internals", str(_SCRIPT)],
            input=json.dumps(codes).encode(),
            capture_output=True,
            timeout=_SECONDS,
            check=True,
            env=BARE_ENVIRONMENT,
        )
    except (OSError, subprocess.SubprocessError):
        return [None] * len(codes)
    return [fault and _fault(fault) for fault in json.loads(answer.stdout)]


def check_syntax(codes: Sequence[str], node: str | None = None) -> list[str | None]:
    """Returns the `summary` of what `syntax_faults` finds in each function with the Node that `find_node` finds."""
    try:
        found = find_node(node)
    except NodeMissing:
        return [None] * len(codes)
    return [None if fault is None else fault.summary for fault in syntax_faults(codes, found)]


def _fault(fault: dict[str, Any]) -> SyntaxFault:
    message = fault["message"]
    if "stack" not in fault:
        return SyntaxFault(message, fault["line"], fault["column"], newer=True)
    found = _PLACE.match(fault["stack"])
    if found is None or found[4] is None:
        return SyntaxFault(message, found and int(found[1]), None)
    text, column, carets = found[2], len(found[3]), found[4]
    start = max(0, column - _LONGEST_EXCERPT // 2) if len(text) > _LONGEST_EXCERPT else 0
    shown = text[start : start + _LONGEST_EXCERPT]
    # A tabulator stays one, so that the carets stand where they should.
    blanks = "".join(character if character == "\t" else " " for character in shown[: column - start])
    carets = carets[: max(1, len(shown) - len(blanks))]
    return SyntaxFault(message, int(found[1]), column + 1, (shown, blanks + carets))
