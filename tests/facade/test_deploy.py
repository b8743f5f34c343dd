"""Making a function be what a source says."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mincloud import ServerError
from mincloud_emulator import Emulator

from .conftest import Action, OpenSide, Side
from .scripted_service import Reply, ScriptedService, a_function

CODE = "exports.main = async (event) => '你好'\n"


def deploying(source: str | Path, **options: str | None) -> Action:
    return lambda cloud: cloud.functions.deploy("f", source, **options)


def methods(service: ScriptedService) -> list[str]:
    return [received.method for received in service.received]


def test_a_function_is_created_then_left_then_updated_on_the_emulator(
    open_side: OpenSide, emulator: Emulator, tmp_path: Path
) -> None:
    source = tmp_path / "index.js"
    source.write_text(CODE, encoding="utf-8")
    side = open_side(base_url=emulator.url, access_token=emulator.access_token)
    deployments = [side.run(lambda cloud: cloud.functions.deploy("测试", tmp_path)) for _ in range(2)]
    source.write_text(CODE.replace("你好", "再见"), encoding="utf-8")
    deployments.append(side.run(lambda cloud: cloud.functions.deploy("测试", source)))
    assert [deployment.action for deployment in deployments] == ["created", "unchanged", "updated"]
    assert {deployment.function.name for deployment in deployments} == {"测试"}
    assert [deployment.function.function_code for deployment in deployments] == [
        CODE,
        CODE,
        CODE.replace("你好", "再见"),
    ]


def test_code_comes_as_a_string_a_file_or_a_directory(side: Side, service: ScriptedService, tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text(CODE, encoding="utf-8")
    (tmp_path / "other.txt").write_text(CODE, encoding="utf-8")
    for source in (CODE, tmp_path, tmp_path / "index.js", tmp_path / "other.txt"):
        service.functions = []
        deployment = side.run(deploying(source))
        assert deployment.action == "created"
        assert service.functions[0]["function_code"] == CODE


def test_any_path_like_object_is_a_path(side: Side, service: ScriptedService, tmp_path: Path) -> None:
    class Elsewhere(os.PathLike[str]):
        def __fspath__(self) -> str:
            return str(tmp_path)

    (tmp_path / "index.js").write_text(CODE, encoding="utf-8")
    assert side.run(lambda cloud: cloud.functions.deploy("f", Elsewhere())).function.function_code == CODE


def test_a_byte_order_mark_is_no_part_of_the_code(side: Side, service: ScriptedService, tmp_path: Path) -> None:
    (tmp_path / "index.js").write_bytes(b"\xef\xbb\xbf" + CODE.encode())
    service.functions = [a_function("f", function_code=CODE)]
    assert side.run(lambda cloud: cloud.functions.deploy("f", tmp_path)).action == "unchanged"


def test_line_ends_arrive_as_they_are(side: Side, service: ScriptedService, tmp_path: Path) -> None:
    (tmp_path / "index.js").write_bytes(b"a\r\nb\rc\n")
    side.run(lambda cloud: cloud.functions.deploy("f", tmp_path))
    assert service.functions[0]["function_code"] == "a\r\nb\rc\n"


def test_what_was_there_before_is_given_so_that_one_line_goes_back(open_side: OpenSide, emulator: Emulator) -> None:
    side = open_side(base_url=emulator.url, access_token=emulator.access_token)
    first, same, second = (side.run(deploying(code)) for code in ("// 1", "// 1", "// 2"))
    assert (first.previous, same.previous, second.previous.function_code) == (None, same.function, "// 1")
    back = side.run(lambda cloud: cloud.functions.deploy("f", second.previous.function_code))
    assert (back.action, back.function.function_code) == ("updated", "// 1")


def test_a_plan_is_set_where_it_differs(open_side: OpenSide, emulator: Emulator) -> None:
    side = open_side(base_url=emulator.url, access_token=emulator.access_token)
    deployments = [side.run(deploying(CODE, plan=plan)) for plan in ("P_PERSONAL", "P_PERSONAL", None, "P_FREE")]
    assert [(each.action, each.function.plan_circle) for each in deployments] == [
        ("created", "P_PERSONAL"),
        ("unchanged", "P_PERSONAL"),
        ("unchanged", "P_PERSONAL"),
        ("updated", "P_FREE"),
    ]
    with pytest.raises(ValueError, match="plan must be one of P_FREE, P_PERSONAL"):
        side.run(lambda cloud: cloud.functions.deploy("g", CODE, plan="P_HUGE"))


@pytest.mark.parametrize(
    ("there", "remark", "action", "sent"),
    [
        ({"function_code": CODE, "remark": "old"}, None, "unchanged", None),
        ({"function_code": CODE, "remark": "old"}, "old", "unchanged", None),
        ({"function_code": CODE, "remark": "old"}, "new", "updated", {"remark": "new"}),
        ({"function_code": CODE, "remark": "old"}, "", "updated", {"remark": ""}),
        ({"function_code": "other", "remark": "old"}, None, "updated", {"function_code": CODE}),
        ({"function_code": "other", "remark": "old"}, "old", "updated", {"function_code": CODE}),
        ({"function_code": "other", "remark": "old"}, "new", "updated", {"function_code": CODE, "remark": "new"}),
        (None, None, "created", {"name": "f", "function_code": CODE}),
        (None, "new", "created", {"name": "f", "function_code": CODE, "remark": "new"}),
    ],
)
def test_only_what_differs_is_sent(
    side: Side,
    service: ScriptedService,
    there: dict[str, Any] | None,
    remark: str | None,
    action: str,
    sent: dict[str, Any] | None,
) -> None:
    if there is not None:
        service.functions = [a_function("f", **there)]
    deployment = side.run(lambda cloud: cloud.functions.deploy("f", CODE, remark=remark))
    assert deployment.action == action
    assert deployment.function.name == "f"
    assert [received.body for received in service.received if received.method != "GET"] == ([sent] if sent else [])
    assert pickle.loads(pickle.dumps(deployment)) == deployment


def _missing(folder: Path) -> Path:
    return folder / "nothing.js"


def _empty(folder: Path) -> Path:
    (folder / "empty.js").touch()
    return folder / "empty.js"


def _blank(folder: Path) -> Path:
    (folder / "blank.js").write_bytes(b"\xef\xbb\xbf \r\n\t")
    return folder / "blank.js"


def _foreign(folder: Path) -> Path:
    (folder / "gbk.js").write_text("// 云函数", encoding="gbk")
    return folder / "gbk.js"


def _path_as_text(folder: Path) -> str:
    (folder / "code").write_text(CODE, encoding="utf-8")
    return str(folder / "code")


REFUSED: list[tuple[Callable[[Path], Any], type[Exception], str]] = [
    (_missing, FileNotFoundError, "there is no file {folder}/nothing.js"),
    (lambda folder: folder, FileNotFoundError, "{folder} has no index.js: a function's directory needs one"),
    (_empty, ValueError, "{folder}/empty.js is empty: a function needs code"),
    (_blank, ValueError, "{folder}/blank.js is empty: a function needs code"),
    (_foreign, ValueError, "{folder}/gbk.js is not UTF-8: save it in that encoding"),
    (
        _path_as_text,
        ValueError,
        "a string is taken for the code itself: pass Path('{folder}/code') to deploy that file",
    ),
    (
        lambda _: "functions/gret.js",
        ValueError,
        "a string is taken for the code itself: pass Path('functions/gret.js') to deploy that file",
    ),
    (lambda _: "", ValueError, "the code must not be empty"),
    (lambda _: " \n", ValueError, "the code must not be empty"),
    (lambda _: CODE.encode(), TypeError, "the source must be code as a string or a path, not bytes"),
    (lambda _: None, TypeError, "the source must be code as a string or a path, not NoneType"),
]


@pytest.mark.parametrize(("make", "error", "message"), REFUSED)
def test_what_is_no_code_is_refused_before_any_request(
    side: Side,
    service: ScriptedService,
    tmp_path: Path,
    make: Callable[[Path], Any],
    error: type[Exception],
    message: str,
) -> None:
    source = make(tmp_path)
    with pytest.raises(error) as refused:
        side.run(lambda cloud: cloud.functions.deploy("f", source))
    assert str(refused.value) == message.format(folder=tmp_path)
    assert service.received == []


def test_a_name_or_remark_that_is_impossible_is_refused_before_any_request(
    side: Side, service: ScriptedService
) -> None:
    with pytest.raises(ValueError, match="a function's name must not be empty"):
        side.run(lambda cloud: cloud.functions.deploy("", CODE))
    with pytest.raises(TypeError, match="remark must be a string, not int"):
        side.run(lambda cloud: cloud.functions.deploy("f", CODE, remark=1))
    assert service.received == []


def test_long_code_on_one_line_is_code(side: Side, service: ScriptedService) -> None:
    code = "exports.main=function(e,c){c(null,'" + "x" * 10_000 + "')}"
    side.run(lambda cloud: cloud.functions.deploy("f", code))
    assert service.functions[0]["function_code"] == code


def test_nothing_is_created_when_it_is_not_known_what_is_there(side: Side, service: ScriptedService) -> None:
    service.before = lambda _: Reply(500, "broken")
    with pytest.raises(ServerError):
        side.run(lambda cloud: cloud.functions.deploy("f", CODE))
    assert methods(service) == ["GET"]
