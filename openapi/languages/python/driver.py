"""A driver of stories: makes each request with the client that openapi-generator generates for Python.

Started as `python driver.py CLIENT`, CLIENT being the folder of the generated client. It reads a request per line of its input and
writes what the client gave its user, a line each, until the input ends. Operations are found by the contract's names.
"""

import inspect
import json
import os
import re
import sys
from typing import get_args

sys.path.insert(0, sys.argv[1])

import mincloud_client
from mincloud_client.exceptions import ApiException


def snake(name):
    """The name as Python has it: `X-Hydrogen-Env-ID` is `x_hydrogen_env_id`, `listJobs` is `list_jobs`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()


def operation(client, name):
    """The method of one of the client's classes."""
    for exported in vars(mincloud_client).values():
        if inspect.isclass(exported) and hasattr(exported, f"{snake(name)}_with_http_info"):
            return getattr(exported(client), f"{snake(name)}_with_http_info")
    raise LookupError(f"the client has no operation {name}")


def ask(asked):
    """Makes a request; gives its status and what was read."""
    configuration = mincloud_client.Configuration(
        host=os.environ["BASE_URL"].rstrip("/"), access_token=asked["access_token"]
    )
    with mincloud_client.ApiClient(configuration) as client:
        method = operation(client, asked["operation"])
        arguments = {snake(name): value for name, value in asked["parameters"].items()}
        if "body" in asked:
            [body] = (each for each in inspect.signature(method).parameters.values() if each.name.endswith("_request"))
            model = next(each for each in (body.annotation, *get_args(body.annotation)) if hasattr(each, "from_dict"))
            arguments[body.name] = model.from_dict(asked["body"])
        try:
            # urllib3 waits for ever.
            answer = method(**arguments, _request_timeout=30)
        except ApiException as error:
            return {"status": error.status, **body_of(error.body)}
        if answer.data is None:
            return {"status": answer.status_code}
        return {"status": answer.status_code, "body": answer.data.to_dict()}


def body_of(text):
    """The body of an error: JSON, or text."""
    if not text:
        return {}
    try:
        return {"body": json.loads(text)}
    except ValueError:
        return {"body": text}


for line in sys.stdin:
    asked = json.loads(line)
    try:
        answer = ask(asked)
    except Exception as error:  # noqa: BLE001 - whatever the client does, the runner is told
        answer = {"error": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
    print(json.dumps({"id": asked["id"], **answer}, ensure_ascii=False), flush=True)
