"""Jobs: what each call records, how they are listed, and where their logs are."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mincloud_emulator import Clock, Emulator
from tests.emulator.conftest import API, WEB


def test_a_call_that_was_waited_for_leaves_a_job(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: 1)
    api.invoke("greet")
    (job,) = api.jobs("greet").json()["objects"]
    assert {key: job[key] for key in ("service_type", "source", "status")} == {
        "service_type": "time_sensitive",
        "source": "open_api",
        "status": "fulfilled",
    }
    assert isinstance(job["id"], int)
    assert job["created_at"] <= job["started_at"] <= job["finished_at"]
    assert isinstance(job["created_at"], float)
    assert isinstance(job["mem_usage"], int)
    assert WEB.get(job["user_log_url"]).text.count("LOG return:  { error: {}, code: 0, data: 1 }") == 1


def test_a_call_that_is_not_waited_for_goes_through_the_statuses(emulator: Emulator, api: API) -> None:
    go_on = threading.Event()
    emulator.stub("slow", lambda _event: go_on.wait(50))
    assert api.invoke("slow", sync=False).json() == {"status": "ok"}
    while (job := api.jobs("slow").json()["objects"][0])["status"] == "waiting":
        pass
    assert job["status"] == "executing"
    assert job["service_type"] == "batch"
    assert job["started_at"] is not None
    assert (job["finished_at"], job["mem_usage"], job["user_log_url"]) == (None, None, None)
    go_on.set()
    emulator.settle()
    (job,) = api.jobs("slow").json()["objects"]
    assert job["status"] == "fulfilled"
    assert "LOG return:  { error: {}, code: 0, data: true }" in WEB.get(job["user_log_url"]).text


def test_a_failing_call_leaves_a_failed_job_whose_log_says_why(emulator: Emulator, api: API) -> None:
    def broken(_event: dict[str, Any]) -> None:
        message = "爱范儿 is missing"
        raise LookupError(message)

    emulator.stub("broken", broken)
    api.invoke("broken")
    (job,) = api.jobs("broken").json()["objects"]
    assert job["status"] == "execution_failed"
    log = WEB.get(job["user_log_url"])
    assert log.headers["content-type"] == "text/plain; charset=utf-8"
    assert "LookupError: 爱范儿 is missing" in log.text


def test_jobs_come_newest_first_with_strictly_falling_times(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: 1)
    for _ in range(30):
        api.invoke("greet", sync=False)
    jobs = api.jobs("greet", limit=1000).json()["objects"]
    ids = [job["id"] for job in jobs]
    times = [job["created_at"] for job in jobs]
    assert ids == sorted(set(ids), reverse=True)
    assert times == sorted(set(times), reverse=True)
    emulator.settle()


def test_filters_choose_jobs_and_stay_in_the_addresses_of_the_pages(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda event: 1 / event["data"]["by"])
    api.invoke("greet", {"by": 1})
    api.invoke("greet", {"by": 0})
    api.invoke("greet", {"by": 0}, sync=False)
    api.debug("greet", data={"by": 1}, subject="timer")
    emulator.settle()

    def count(**filters: Any) -> int:
        total: int = api.jobs("greet", **filters).json()["meta"]["total_count"]
        return total

    assert count(status="execution_failed") == 2
    assert count(status="fulfilled") == 2
    assert count(status="waiting") == 0
    assert count(source="timer") == 1
    assert count(service_type="batch") == 1
    assert count(service_type="time_sensitive", source="open_api", status="fulfilled") == 1
    meta = api.jobs("greet", limit=1, status="execution_failed").json()["meta"]
    assert parse_qs(urlsplit(str(meta["next"])).query) == {
        "limit": ["1"],
        "offset": ["1"],
        "status": ["execution_failed"],
    }
    assert api.http.get(meta["next"]).json()["meta"]["next"] is None


def test_times_bound_the_list_inclusively_with_fractions_counted(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: 1)
    api.invoke("greet")
    created_at = api.jobs("greet").json()["objects"][0]["created_at"]
    second = int(created_at)

    def count(**filters: Any) -> int:
        total: int = api.jobs("greet", **filters).json()["meta"]["total_count"]
        return total

    assert count(created_at__gte=second) == 1
    assert count(created_at__gte=second + 1) == 0
    assert count(created_at__lte=second + 1) == 1
    assert count(created_at__lte=second) == (1 if created_at == second else 0)
    assert count(created_at__gte=-(2**63) + 1, created_at__lte=2**63 - 1) == 1


@pytest.mark.parametrize(
    "filters",
    [
        {"source": "moon"},
        {"status": ""},
        {"service_type": "fast"},
        {"created_at__gte": "yesterday"},
        {"created_at__lte": "1.5"},
        {"created_at__lte": 2**63},
        {"limit": 1001},
    ],
)
def test_filters_that_mean_nothing_are_refused(api: API, filters: dict[str, Any]) -> None:
    api.create("greet")
    answer = api.jobs("greet", **filters)
    assert answer.status_code == 400
    assert next(iter(filters)) in answer.json()["error_msg"]


def test_a_log_is_on_another_origin_and_needs_no_token(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: 1)
    api.invoke("greet")
    url = str(api.jobs("greet").json()["objects"][0]["user_log_url"])
    assert url.startswith(emulator.log_url + "/")
    assert urlsplit(url).netloc != urlsplit(emulator.url).netloc
    assert WEB.get(url).status_code == 200
    assert WEB.get(url.replace(emulator.log_url, emulator.url)).status_code == 404
    with_token = WEB.get(url, headers={"Authorization": f"Bearer {emulator.access_token}"})
    assert with_token.status_code == 400
    assert "Authorization" in with_token.text


def test_the_address_of_a_log_is_signed_and_good_for_a_day() -> None:
    # Frozen: an address is dated in whole seconds, and a running clock would be in the next one now and then.
    with Emulator(clock=Clock(1_500_000_000, frozen=True)) as emulator:
        api = API(emulator.url, emulator.access_token)
        emulator.stub("greet", lambda _event: 1)
        api.invoke("greet")
        api.invoke("greet")
        newer, older = (str(job["user_log_url"]) for job in api.jobs("greet").json()["objects"])
        path = urlsplit(older).path
        unsigned, tampered = older.partition("?")[0], older[:-1] + ("0" if older[-1] != "0" else "1")
        swapped = newer.replace(urlsplit(newer).path, path)
        longer = older.replace("X-Amz-Expires=86400", "X-Amz-Expires=99999999")
        for url in (unsigned, tampered, swapped, longer):
            answer = WEB.get(url)
            assert answer.status_code == 403
            assert "<Code>AccessDenied</Code>" in answer.text
        emulator.clock.advance(86399)
        assert WEB.get(older).status_code == 200
        emulator.clock.advance(1)
        expired = WEB.get(older)
        assert (expired.status_code, "Request has expired" in expired.text) == (403, True)
        assert WEB.get(api.jobs("greet").json()["objects"][1]["user_log_url"]).status_code == 200
        api.http.close()


def test_logs_are_where_the_caller_finds_the_emulator() -> None:
    with Emulator(host="0.0.0.0") as emulator:
        emulator.stub("greet", lambda _event: 1)
        for host in ("127.0.0.1", "localhost"):
            api = API(emulator.url.replace("127.0.0.1", host), emulator.access_token)
            api.invoke("greet")
            url = str(api.jobs("greet").json()["objects"][0]["user_log_url"])
            assert urlsplit(url).hostname == host
            assert WEB.get(url).status_code == 200
            api.http.close()


def test_an_emulator_may_listen_on_an_ipv6_address() -> None:
    with Emulator(host="::1") as emulator:
        emulator.stub("greet", lambda _event: 1)
        assert emulator.url.startswith("http://[::1]:")
        api = API(emulator.url, emulator.access_token)
        api.invoke("greet")
        assert WEB.get(api.jobs("greet").json()["objects"][0]["user_log_url"]).status_code == 200
        api.http.close()


def test_the_origin_of_logs_has_nothing_else(emulator: Emulator, api: API) -> None:
    emulator.stub("greet", lambda _event: 1)
    api.invoke("greet")
    url = api.jobs("greet").json()["objects"][0]["user_log_url"]
    assert WEB.post(url).status_code == 405
    assert WEB.head(url).status_code == 200
    for path in ("/", "/ticket_1.log/..", "/ticket_0.log?X-Amz-Signature=x", "/oserve/v1.3/cloud-function/"):
        assert WEB.get(emulator.log_url + path).status_code == 403


def test_a_job_may_be_listed_with_a_lag() -> None:
    with Emulator(listing_lag=3, clock=Clock(1_500_000_000, frozen=True)) as emulator:
        api = API(emulator.url, emulator.access_token)
        emulator.stub("greet", lambda _event: 1)
        api.invoke("greet")
        emulator.clock.advance(2)
        api.invoke("greet")
        assert api.jobs("greet").json() == {
            "meta": {"limit": 20, "next": None, "offset": 0, "previous": None, "total_count": 0},
            "objects": [],
        }
        emulator.clock.advance(1)
        (job,) = api.jobs("greet").json()["objects"]
        assert (job["created_at"], job["status"]) == (1_500_000_000, "fulfilled")
        emulator.clock.advance(2)
        assert api.jobs("greet", created_at__gte=1_500_000_001).json()["meta"]["total_count"] == 1
        api.http.close()


def test_the_lag_may_be_another_one_for_each_call() -> None:
    with Emulator(listing_lag=lambda call: call.data["lag"], clock=Clock(frozen=True)) as emulator:
        api = API(emulator.url, emulator.access_token)
        emulator.stub("greet", lambda _event: 1)
        for lag in (60, 0, 0.5):
            api.invoke("greet", {"lag": lag})
        assert [job["id"] for job in api.jobs("greet").json()["objects"]] == [2]
        emulator.clock.advance(1)
        assert [job["id"] for job in api.jobs("greet").json()["objects"]] == [3, 2]
        emulator.clock.advance(60)
        assert [job["id"] for job in api.jobs("greet").json()["objects"]] == [3, 2, 1]
        api.http.close()


@pytest.mark.parametrize("lag", [-1, float("nan")])
def test_a_lag_that_can_not_be_is_refused(lag: float) -> None:
    with pytest.raises(ValueError, match="give a number of seconds from 0 on, or a function of the call"):
        Emulator(listing_lag=lag)


def test_the_log_of_a_running_job_may_be_had_already() -> None:
    running, go_on = threading.Event(), threading.Event()

    def slow(_event: dict[str, Any]) -> str:
        running.set()
        assert go_on.wait(50)
        return "done"

    with Emulator(early_logs=True) as emulator:
        api = API(emulator.url, emulator.access_token)
        emulator.stub("slow", slow)
        api.invoke("slow", {"a": 1}, sync=False)
        assert running.wait(50)
        (job,) = api.jobs("slow").json()["objects"]
        assert job["status"] == "executing"
        so_far = WEB.get(job["user_log_url"]).text
        assert so_far.endswith(" LOG event.data:  { a: 1 }\n")
        go_on.set()
        emulator.settle(50)
        whole = WEB.get(job["user_log_url"]).text
        assert whole.startswith(so_far)
        assert whole.endswith(" LOG return:  { error: {}, code: 0, data: 'done' }\n")
        api.http.close()
