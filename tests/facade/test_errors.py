"""Errors and models as values: one tree, and nothing lost in a pickle or a copy."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

import mincloud
from mincloud import (
    AmbiguousJob,
    APIError,
    BadRequest,
    ClientClosed,
    CloudFunction,
    ConfigurationError,
    ConnectionFailed,
    DebugResult,
    Deployment,
    FunctionError,
    InvalidResponse,
    InvocationError,
    Job,
    JobError,
    JobFailed,
    JobNotFound,
    JobTimeout,
    MinCloudError,
    MissingCredentials,
    NotFound,
    Outcome,
    Page,
    RateLimited,
    RequestTimeout,
    ResultUnavailable,
    ServerError,
    TransportError,
)

JOB = Job.from_dict({"id": 3, "status": "time_out", "user_log_url": "http://x/y?z", "region": "north"})
OTHER = Job(id=4, status="fulfilled")

ERRORS: list[MinCloudError] = [
    MinCloudError("something"),
    ConfigurationError("no credentials"),
    ClientClosed("closed"),
    MissingCredentials("no credentials"),
    TransportError("no answer", may_have_run=True),
    ConnectionFailed("refused", may_have_run=False, method="GET", url="http://x/"),
    RequestTimeout("late", may_have_run=True, method="POST", url="http://x/"),
    APIError("odd", status=499, body="{}", method="GET", url="http://x/"),
    BadRequest("wrong", status=400),
    NotFound("不存在。", status=404, body="不存在。"),
    RateLimited("slow down", status=429, retry_after=61.5),
    ServerError("sorry \ud800", status=503, body="<html>\ud800"),
    InvalidResponse("it is HTML", body="<html>", status=201, method="GET", url="http://x/"),
    FunctionError("greet", code=1, message="boom", type="Error", stack="at main"),
    FunctionError("greet", code=137),
    JobError("no log", job=JOB),
    JobFailed("failed", job=JOB),
    JobNotFound("nowhere"),
    JobTimeout("late", job=JOB),
    AmbiguousJob("two", candidates=[JOB, OTHER]),
    ResultUnavailable("not shown", job=JOB, log="LOG 1"),
]
COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "old pickle": lambda value: pickle.loads(pickle.dumps(value, 2)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_keeps_every_field(error: MinCloudError, way: str) -> None:
    error.add_note("while testing")
    again = COPIES[way](error)
    assert type(again) is type(error)
    assert (str(again), repr(again), again.args) == (str(error), repr(error), error.args)
    assert again.__dict__ == error.__dict__
    assert again is not error


def test_every_error_of_the_package_is_tried_here() -> None:
    kinds = {
        value
        for value in vars(mincloud.errors).values()
        if isinstance(value, type) and issubclass(value, MinCloudError)
    }
    by_status = {APIError, BadRequest, NotFound, RateLimited, ServerError}
    tried = {type(error) for error in ERRORS}
    assert {kind for kind in kinds - tried if not issubclass(kind, APIError)} == set()
    assert by_status <= tried


def test_an_error_can_be_raised_again_after_its_journey() -> None:
    with pytest.raises(JobTimeout, match="late") as caught:
        raise pickle.loads(pickle.dumps(JobTimeout("late", job=JOB)))
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.job == JOB


@pytest.mark.parametrize("way", COPIES)
@pytest.mark.parametrize(
    "value",
    [
        JOB,
        CloudFunction.from_dict({"name": "greet", "id": 1, "function_code": "x", "new_field": [1]}),
        DebugResult.from_dict({"code": 0, "data": {"a": [1]}, "error": {"message": "m", "hint": 1}, "log": "l"}),
        InvocationError(message="m"),
        Outcome(1, {"a": 1}, data=2),
        Deployment("created", CloudFunction(name="greet")),
        Page([1, 2], 0, 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_model_keeps_every_field(value: Any, way: str) -> None:
    again = COPIES[way](value)
    assert type(again) is type(value)
    assert again == value
    if hasattr(value, "to_dict"):
        assert again.to_dict() == value.to_dict()


def test_an_outcome_travels_with_its_error() -> None:
    again = pickle.loads(pickle.dumps(Outcome(2, {}, error=FunctionError("greet", code=1, message="boom"))))
    assert (again.index, again.error.message, again.error.code) == (2, "boom", 1)


def test_the_tree_is_as_it_is_drawn() -> None:
    drawn = {
        "ConfigurationError": "MinCloudError",
        "ClientClosed": "ConfigurationError",
        "MissingCredentials": "ConfigurationError",
        "TransportError": "MinCloudError",
        "ConnectionFailed": "TransportError",
        "RequestTimeout": "TransportError",
        "APIError": "MinCloudError",
        **dict.fromkeys(
            ["BadRequest", "Unauthorized", "PaymentRequired", "Forbidden", "NotFound", "RateLimited", "ServerError"],
            "APIError",
        ),
        "InvalidResponse": "MinCloudError",
        "FunctionError": "MinCloudError",
        "JobError": "MinCloudError",
        **dict.fromkeys(["JobFailed", "JobNotFound", "JobTimeout", "AmbiguousJob", "ResultUnavailable"], "JobError"),
        "MinCloudError": "Exception",
    }
    assert {name: getattr(mincloud, name).__mro__[1].__name__ for name in mincloud.errors.__all__} == drawn
    assert all(name in (mincloud.errors.__doc__ or "") for name in drawn)
