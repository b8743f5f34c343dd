"""The lists of equalities with and differences from the service in the documentation: each line has its tests."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mincloud_emulator import Clock, Emulator
from mincloud_emulator.core.credentials import Credentials
from mincloud_emulator.core.settings import Settings
from mincloud_emulator.core.store import Store
from tests.emulator.conftest import API

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE = Path(__file__).parent
_PAGE = _HERE.parents[1] / "docs" / "emulator.md"

SAME = {
    "All operations of the contract": ["contract_agreement:the_emulator_does_what_the_contract_says"],
    "What the Node tool": [
        "node_tool:the_node_tool_does_all_it_can_do",
        "node_tool:what_mincloudx_cli_sends_is_answered_as_it_expects",
    ],
    "A login is two redirects": [
        "tokens:a_login_is_two_redirects_that_turn_the_post_into_a_get",
        "tokens:a_client_that_drops_cookies_gets_no_code",
        "tokens:a_code_is_good_once",
        "tokens:a_refresh_kills_every_token_issued_before",
    ],
    "Each test environment": ["functions:each_environment_has_functions_of_its_own"],
    "Functions and jobs are listed newest first": [
        "functions:the_list_is_paged_newest_first_and_leads_from_page_to_page",
        "functions:the_default_page_has_twenty",
        "functions:limit_and_offset_out_of_range_are_refused",
        "jobs:jobs_come_newest_first_with_strictly_falling_times",
    ],
    "A job has the kind": [
        "jobs:a_call_that_was_waited_for_leaves_a_job",
        "jobs:a_call_that_is_not_waited_for_goes_through_the_statuses",
        "jobs:filters_choose_jobs_and_stay_in_the_addresses_of_the_pages",
        "jobs:times_bound_the_list_inclusively_with_fractions_counted",
    ],
    "Logs are on another host": [
        "jobs:a_log_is_on_another_origin_and_needs_no_token",
        "jobs:the_address_of_a_log_is_signed_and_good_for_a_day",
    ],
    "`event` has all its fields": [
        "calls:the_event_has_all_its_fields",
        "calls:debug_is_recorded_as_a_job_of_its_subject_but_under_another_id",
    ],
    "`callback` and `async`": [
        "runtime/outcomes:the_first_callback_or_the_promise_gives_the_result",
        "runtime/outcomes:the_call_returns_once_the_event_loop_is_empty",
    ],
    "What a function may export": [
        "runtime/outcomes:each_way_to_export_a_function_works",
        "runtime/outcomes:a_result_is_what_json_makes_of_it",
    ],
    "An error comes back": ["runtime/outcomes:a_failure_is_reported_in_the_documented_form_and_harms_nothing_else"],
    "What is written to": ["runtime/call_log:what_goes_to_the_streams_past_console_stands_in_the_order_of_the_program"],
    "The log: what was sent": [
        "runtime/call_log:the_log_has_the_documented_form",
        "runtime/call_log:each_console_method_has_its_level",
        "runtime/node_inspect:any_json_value_is_printed_as_node_prints_it",
    ],
    "A call that is waited for ends": [
        "calls:the_limits_are_the_documented_ones",
        "calls:a_call_that_takes_too_long_is_ended",
    ],
    "100 calls run at once": [
        "calls:the_limits_are_the_documented_ones",
        "calls:a_call_above_the_limit_waits_for_its_turn_and_then_is_not_scheduled",
        "calls:an_asynchronous_call_gives_up_waiting_too",
        "calls:each_plan_has_a_limit_of_its_own",
    ],
    "A plan's memory": [
        "runtime/outcomes:memory_past_the_plan_ends_a_call_that_is_too_short_to_be_looked_at",
        "runtime/hostile_functions:a_container_takes_no_more_between_two_calls_than_in_one",
        "runtime/outcomes:memory_past_the_plan_ends_the_call",
        "runtime/outcomes:a_plan_with_more_memory_allows_more",
        "runtime/containers:files_past_the_limit_end_the_call_or_the_container",
    ],
    "A container may serve": [
        "runtime/containers:a_warm_container_keeps_its_globals",
        "runtime/confinement:files_in_tmp_are_there_in_the_next_call_of_a_container",
    ],
    "`BaaS.invoke` calls": ["calls:one_function_calls_another_of_its_environment"],
    "The time zone": ["runtime/confinement:the_time_zone_is_the_one_in_the_event"],
}
DIFFERENT = {
    "Node is the one": [
        "command:it_says_which_function_the_service_could_not_read",
        "runtime/containers:an_installed_node_is_found_by_its_version",
    ],
    "Of `BaaS`": [
        "differences:the_rest_of_baas_says_that_it_is_not_there",
        "runtime/network:the_older_name_of_invoke_gives_the_result_under_data",
        "differences:the_module_that_is_shown_is_there_as_baas",
    ],
    "The network can be reached": [
        "runtime/confinement:the_network_can_be_reached",
        "runtime/network:a_socket_of_its_own_is_named_in_the_log_or_refused",
    ],
    "A function reads no file": [
        "runtime/confinement:the_emulators_environment_variables_do_not_reach_a_function",
        "runtime/confinement:the_machine_is_out_of_reach",
        "command:it_says_what_an_older_node_cannot_keep_functions_from",
    ],
    "`signKey` decrypts nothing": [
        "calls:the_event_has_all_its_fields",
        "calls:debug_is_recorded_as_a_job_of_its_subject_but_under_another_id",
    ],
    "A function is approved": ["functions:a_created_function_is_answered_whole_and_read_back_the_same"],
    "A job is listed at once": [
        "jobs:a_call_that_was_waited_for_leaves_a_job",
        "jobs:a_job_may_be_listed_with_a_lag",
    ],
    "The address of a log": [
        "jobs:a_call_that_is_not_waited_for_goes_through_the_statuses",
        "jobs:the_log_of_a_running_job_may_be_had_already",
    ],
    "How long tokens": ["differences:tokens_and_codes_are_good_for_as_long_as_the_page_says"],
    "The clock can be moved": [
        "faults_and_clock:every_answer_is_dated_by_the_clock",
        "differences:a_function_sees_the_real_time",
    ],
    "Requests are not limited": ["differences:requests_are_not_limited"],
}


def lines_of(heading: str) -> list[str]:
    """Returns the items of the list under a heading of the page."""
    section = _PAGE.read_text("utf-8").partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [" ".join(item.split()) for item in re.split(r"^- ", section, flags=re.MULTILINE)[1:]]


def names_of(path: Path) -> Iterator[str]:
    """Yields the names of a file's functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


@pytest.mark.parametrize(
    ("heading", "tests"), [("What is the same as in the service", SAME), ("What is not", DIFFERENT)]
)
def test_each_line_of_the_page_has_tests(heading: str, tests: dict[str, list[str]]) -> None:
    lines = lines_of(heading)
    assert len(lines) == len(tests)
    for line, (beginning, names) in zip(lines, tests.items(), strict=True):
        assert line.startswith(beginning)
        for name in names:
            place, _, test = name.partition(":")
            folder, _, subject = place.rpartition("/")
            assert f"test_{test}" in names_of(_HERE / folder / f"test_{subject}.py"), name


def test_the_rest_of_baas_says_that_it_is_not_there(emulator: Emulator, api: API) -> None:
    emulator.deploy("greet", "exports.main = async () => new BaaS.TableObject('t')")
    assert "BaaS.TableObject is not there" in api.invoke("greet").json()["error"]["message"]


def test_the_module_that_is_shown_is_there_as_baas(tmp_path: Path) -> None:
    module = tmp_path / "baas.js"
    module.write_text(_PAGE.read_text("utf-8").partition("```js\n")[2].partition("```")[0])
    with Emulator(baas=module) as emulator:
        emulator.deploy(
            "greet",
            "exports.main = async () => [(await BaaS.request({ url: 'a' })).data, (await new BaaS.TableObject('t').get(1)).data]",
        )
        api = API(emulator.url, emulator.access_token)
        assert api.invoke("greet").json()["data"] == [{"asked": "a"}, {"id": 1, "table": "t"}]
        api.http.close()


def test_tokens_and_codes_are_good_for_as_long_as_the_page_says() -> None:
    clock = Clock(frozen=True)
    store = Store(None, clock)
    credentials = Credentials(store, clock, Settings())
    code, late_code = credentials.issue_code(), credentials.issue_code()
    clock.advance(599)
    issued = credentials.exchange_code(code)
    assert issued is not None
    clock.advance(1)
    assert credentials.exchange_code(late_code) is None
    clock.advance(30 * 86400 - 2)
    assert credentials.accepts(issued.access_token)
    clock.advance(1)
    assert not credentials.accepts(issued.access_token)
    clock.advance(60 * 86400 - 1)
    assert credentials.refresh(issued.refresh_token) is not None
    issued = credentials.issue_tokens()
    clock.advance(90 * 86400)
    assert credentials.refresh(issued.refresh_token) is None
    store.close()


def test_a_function_sees_the_real_time(emulator: Emulator, api: API) -> None:
    emulator.deploy("now", "exports.main = async () => Date.now() / 1000")
    emulator.clock.advance(86400)
    assert emulator.clock.now() - api.invoke("now").json()["data"] > 80_000


def test_requests_are_not_limited(api: API) -> None:
    assert {api.list().status_code for _ in range(200)} == {200}
