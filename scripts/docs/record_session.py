"""Records a session at a terminal for the READMEs: `docs/images/session.svg`.

Real commands run on a pseudo-terminal against a real emulator, with real functions; what they write is drawn with its colours.
"""

from __future__ import annotations

import html
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mincloud_emulator import Emulator
from scripts import ROOT, ScriptError

# Rich's own template loads a font from another host. Each text has its width, so any monospaced font fits.
FORM = Path(__file__).parent / "session.svg.template"
PICTURE = ROOT / "docs" / "images" / "session.svg"
COLUMNS = 100
LINES_OF_INPUT = 400
SESSION = (
    "mincloud-py new hello",
    "mincloud-py deploy hello",
    """mincloud-py invoke hello '{"username": "爱范儿"}'""",
    """mincloud-py trigger hello '{"username": "知晓云"}' --wait""",
    "mincloud-py batch hello inputs.jsonl -o results.jsonl",
    "mincloud-py jobs hello --limit 4",
)
# A line that is drawn and erased again, as a spinner's last one.
_ERASED_LINE = re.compile(r"[^\n]*\n\r\x1b\[1A\x1b\[2K")
_TEXT_ELEMENT = re.compile(r'(?P<start><text [^>]*textLength=")(?P<length>[\d.]+)(?P<middle>"[^>]*>)(?P<text>[^<]*)')
_CURSOR = re.compile(r"\x1b\[\?25[hl]")


def _run(command: str, folder: Path, environment: dict[str, str]) -> str:
    """Runs a command on a pseudo-terminal, where it has to succeed; returns its output."""
    on_terminal = ["script", "--quiet", "--return", "--command", command, "/dev/null"]
    done = subprocess.run(on_terminal, cwd=folder, env=environment, capture_output=True, check=False)
    written = done.stdout.decode()  # not text=True, which turns carriage returns into line feeds
    if done.returncode != 0:
        raise ScriptError(f"{command} ended with {done.returncode}: {written}")
    return written


def final_text(written: str) -> str:
    """Returns what a terminal shows at the end of some output."""
    text = _CURSOR.sub("", written).replace("\r\n", "\n")
    return "\n".join(line.rpartition("\x1b[2K")[2] for line in _ERASED_LINE.sub("", text).split("\n"))


def fit_wide_characters(drawing: str) -> str:
    """Widens the elements with characters of two columns, which Rich counts as one."""

    def measured(piece: re.Match[str]) -> str:
        text = html.unescape(piece["text"])
        length = float(piece["length"]) * cell_len(text) / len(text)
        return f"{piece['start']}{length:g}{piece['middle']}{piece['text']}"

    return _TEXT_ELEMENT.sub(measured, drawing)


def record() -> str:
    """Runs the session, and draws it."""
    console = Console(
        record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    with Emulator() as emulator, tempfile.TemporaryDirectory(prefix="mincloud-session-") as temporary:
        folder = Path(temporary)
        inputs = (f'{{"username": "user {number}"}}\n' for number in range(1, LINES_OF_INPUT + 1))
        (folder / "inputs.jsonl").write_text("".join(inputs))
        environment = {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
            "HOME": temporary,
            "TERM": "xterm-256color",
            "COLUMNS": str(COLUMNS),
            "MINCLOUD_BASE_URL": emulator.url,
            "MINCLOUD_ACCESS_TOKEN": emulator.access_token,
        }
        for command in SESSION:
            console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
            console.print(Text.from_ansi(final_text(_run(command, folder, environment)).rstrip("\n")))
            console.print()
    return fit_wide_characters(
        console.export_svg(title="mincloud-py", code_format=FORM.read_text("utf-8"), unique_id="session")
    )


def main() -> int:
    """Writes the picture; returns the exit status."""
    try:
        drawing = record()
    except ScriptError as problem:
        print(f"record_session: {problem}", file=sys.stderr)
        return 1
    PICTURE.write_text(drawing, "utf-8")
    print(f"{PICTURE}: {len(drawing.encode()) // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
