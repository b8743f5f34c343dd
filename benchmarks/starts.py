"""How long one waits for a process: for an import, for a first answer, for a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .calls import ANSWER, BODY, DATA, INVOKE, TOKEN
from .canned_server import canned_server, one_answer
from .measuring import Figure, Measured, in_turn

ROOT = Path(__file__).parent.parent
_NODE_TOOL = ROOT / "node_modules" / "mincloud" / "bin" / "faas-cli.js"
_ROUNDS = 15
# What the Node tool's `invoke` wants to print of an answer; ours takes it as the answer of a call that is waited for.
_DEBUG_ANSWER = json.dumps(
    {
        "code": 0,
        "data": {"greeting": "hi"},
        "error": {},
        "log": "2018-09-21T04:46:20.000Z INFO hi\n",
        "job_id": 1,
        "execution_time": 3,
        "billing_time": 100,
        "mem_usage": 36_700_160,
    }
).encode()


def _run(*command: str, **variables: str) -> str:
    """What a command prints; nothing of who runs the benchmarks reaches it."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LANG") if name in os.environ}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env={**kept, **variables}, stdin=subprocess.DEVNULL
    ).stdout


def _python(program: str) -> str:
    return _run(sys.executable, "-c", program)


def importing() -> Measured:
    return in_turn(lambda: _python("import mincloud"), lambda: _python("import httpx"), _ROUNDS)


def first_answer() -> Measured:
    with canned_server(one_answer(ANSWER)) as url:
        ours = (
            "from mincloud import MinCloud\n"
            f"with MinCloud(base_url={url!r}, access_token='t') as cloud:\n"
            f"    assert cloud.functions.invoke('greet', {DATA!r})"
        )
        reference = (
            "import httpx\n"
            f"with httpx.Client(base_url={url!r}, headers={TOKEN!r}) as client:\n"
            f"    assert client.post({INVOKE!r}, json={BODY!r}).json()"
        )
        return in_turn(lambda: _python(ours), lambda: _python(reference), _ROUNDS)


def _program() -> str:
    return str(Path(sys.executable).with_name("mincloud-py"))


def command_help() -> Measured:
    with canned_server(one_answer(_DEBUG_ANSWER)) as url, tempfile.TemporaryDirectory() as home:
        _log_in(Path(home))
        return in_turn(lambda: _run(_program(), "--help", HOME=home), lambda: _node_invoke(home, url), rounds=9)


def command() -> Measured:
    with canned_server(one_answer(_DEBUG_ANSWER)) as url, tempfile.TemporaryDirectory() as home:
        _log_in(Path(home))

        def ours() -> None:
            shown = _run(*(_program(), "invoke", "greet", json.dumps(DATA)), HOME=home, MINCLOUD_BASE_URL=url)
            assert "hi" in shown

        return in_turn(ours, lambda: _node_invoke(home, url), rounds=9)


def _log_in(home: Path) -> None:
    """As `login` of either tool leaves it."""
    (home / ".mincloudrc").write_text("client_id = me\ntokens = me:t\n")


def _node_invoke(home: str, url: str) -> None:
    if not _NODE_TOOL.exists():
        sys.exit("bench: the Node tool is missing: `make setup` installs it, and needs Node.js")
    shown = _run("node", str(_NODE_TOOL), "invoke", "greet", json.dumps(DATA), HOME=home, mincloud_base_url=url)
    assert "hi" in shown


_NODE = "the Node tool's `mincloud invoke`"
FIGURES = (
    Figure("first-answer", "from process start to the first answer, to plain `httpx`", 1.1, first_answer, "wall"),
    Figure("import", "`import mincloud`, to `import httpx`", 0.3, importing, "wall"),
    Figure("help", f"`mincloud-py --help`, to {_NODE}", 0.12, command_help, "wall"),
    Figure("command", f"a whole `mincloud-py invoke`, to {_NODE}", 0.40, command, "wall"),
)
