"""A driver of models alone: sends the body of a request as the generated pydantic model writes it.

It reads a request per line of its input and writes the answer's status, a line each, until the input ends.
"""

import json
import os
import sys
import urllib.request

import models

for line in sys.stdin:
    asked = json.loads(line)
    model = models.TokenRequest.model_validate(asked["body"])
    sent = urllib.request.Request(
        f"{os.environ['BASE_URL']}/api/oauth2/access_token/",
        model.model_dump_json(exclude_none=True).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(sent, timeout=30) as answer:
        print(json.dumps({"id": asked["id"], "status": answer.status}), flush=True)
