"""Telling which syntax in a function is newer than the Node that the service runs.

The parser is acorn, which comes inside Node. It is not a public interface of Node's, so that where
it can't be had, nothing is said.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from .node import NodeMissing, find_node

if TYPE_CHECKING:
    from .node import NodeInfo

_SCRIPT = Path(__file__).resolve().with_name("newer_syntax.cjs")
_FIRST_WITH_PARSER = (16,)  # the acorn in older ones does not know the newer syntax
_SECONDS = 20.0

# What newer syntax can't do without. Most code has none of it, and Node need not be started.
_SUSPECT = re.compile(r"\?\.|\?\?|\|\|=|&&=|#[\w$]|\bstatic\s*\{|/[a-z]*[dv]")


def check_node12_syntax(code: str, node: NodeInfo | None = None) -> str | None:
    """Look for syntax that Node 12, which the service runs, does not know. Starts Node, and blocks meanwhile.

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
    try:
        answer = subprocess.run(  # noqa: S603 - the same program that runs the functions
            [node.path, "--no-warnings", "--expose-internals", str(_SCRIPT)],
            input=code.encode(errors="replace"),
            capture_output=True,
            timeout=_SECONDS,
            check=False,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode != 0:
        return None
    return answer.stdout.decode(errors="replace").strip() or None
