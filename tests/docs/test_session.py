"""The recorded session that the READMEs show: made of real commands, and drawn without anything from elsewhere."""

from __future__ import annotations

import html
import re
import shlex
import xml.etree.ElementTree as ET

import pytest

from mincloud.cli.arguments import program_parser
from scripts.docs.record_session import COLUMNS, PICTURE, SESSION, final_text, fit_wide_characters

DRAWING = PICTURE.read_text("utf-8")


def test_the_picture_is_small_and_asks_no_other_host_for_anything() -> None:
    assert len(DRAWING.encode()) < 100_000
    assert re.findall(r"https?://[^\s\"']+", DRAWING) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"url\((?!#)|@import|@font-face|<script|<image|<foreignObject", DRAWING)


@pytest.mark.parametrize("command", SESSION)
def test_each_command_of_the_session_is_one_of_the_program_and_is_shown(command: str) -> None:
    parser, _ = program_parser()
    assert parser.parse_args(shlex.split(command)[1:]).run
    shown = html.unescape(re.sub(r"<[^>]*>", "", DRAWING)).replace("\N{NO-BREAK SPACE}", " ")
    assert command in shown


def test_each_piece_of_text_has_the_width_of_its_columns() -> None:
    pieces = [piece for piece in ET.fromstring(DRAWING).iter() if piece.get("textLength")]
    assert pieces
    for piece in pieces:
        columns = float(piece.get("textLength", "0")) / 12.2
        assert columns == pytest.approx(round(columns))
        assert columns <= COLUMNS


def test_what_was_drawn_over_or_taken_away_is_not_shown() -> None:
    assert final_text("\x1b[?25l10/20\r\x1b[2K20/20\r\n\x1b[?25hdone\r\n") == "20/20\ndone\n"
    assert final_text("waiting\r\x1b[2Kwaiting more\r\n\x1b[?25h\r\x1b[1A\x1b[2Kended\r\n") == "ended\n"


def test_a_character_of_two_columns_gets_the_room_of_two() -> None:
    assert fit_wide_characters('<text x="0" textLength="36.6" y="1">爱范儿</text>') == (
        '<text x="0" textLength="73.2" y="1">爱范儿</text>'
    )
