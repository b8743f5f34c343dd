"""A driver of stories in another process: it makes each request with the client that is generated for Python.

Started as `python -m tests.stories.driver [MISTAKE]`; the runner has to notice the mistake.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import sys
import time
from typing import Any

_FOLDERS = {
    "triggerFunction": "invocations",
    "invokeFunction": "invocations",
    "debugFunction": "invocations",
    "listJobs": "jobs",
}


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """What the generated client gives its user, by the contract's names."""
    # Here, so that a driver that makes a mistake is quick to start.
    from mincloud_api import AuthenticatedClient, models

    name = _snake(asked["operation"])
    operation = importlib.import_module(f"mincloud_api.api.{_FOLDERS.get(asked['operation'], 'functions')}.{name}")
    arguments = {_snake(parameter): value for parameter, value in asked["parameters"].items()}
    if "body" in asked:
        model = getattr(models, str(operation.sync_detailed.__annotations__["body"]))
        arguments["body"] = model.from_dict(asked["body"])
    with AuthenticatedClient(base_url=os.environ["BASE_URL"], token=str(asked["access_token"])) as client:
        response = operation.sync_detailed(client=client, **arguments)
    given: dict[str, Any] = {"id": asked["id"], "status": int(response.status_code)}
    if response.parsed is not None:
        given["body"] = response.parsed if isinstance(response.parsed, str) else response.parsed.to_dict()
    if isinstance(response.parsed, models.InvocationResult):
        # The client's user reads None where the function returned null; `to_dict` leaves out what is None.
        given["body"] = {"data": response.parsed.data, **response.parsed.to_dict()}
    return given


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()


def mistaken(mistake: str, asked: dict[str, Any]) -> object:
    """What a driver that makes this mistake says."""
    match mistake:
        case "throws":
            return {"id": asked["id"], "error": f"TypeError: no\nsuch thing as {asked['access_token']}"}
        case "talks":
            return f"asked for {asked['operation']}"
        case "repeats":
            return {"id": asked["id"] - 1, "status": 404}
        case "loses the status":
            return {"id": asked["id"]}
        case "ends badly":
            return {"id": asked["id"], "status": 404}
        case "knows secrets":
            return {"id": asked["id"], "status": 404 if "ACCESS_TOKEN" not in os.environ else 500}
        case _:
            return answer(asked)


def main(mistake: str) -> int:
    """Answer until the input ends."""
    for line in sys.stdin:
        if mistake == "ends":
            return 3
        if mistake == "hangs":
            time.sleep(60)
        sys.stdout.write(json.dumps(mistaken(mistake, json.loads(line)), ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return 4 if mistake == "ends badly" else 0


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:])))
