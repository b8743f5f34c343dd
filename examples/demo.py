"""The main job, from beginning to end: a real JavaScript function on the emulator, deployed, called, waited for, listed.

`make demo` runs it. Against another server it needs only the environment: MINCLOUD_BASE_URL and MINCLOUD_ACCESS_TOKEN.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mincloud import FunctionError, MinCloud, MinCloudError
from mincloud_emulator import Emulator, EmulatorError

GREET = Path(__file__).parent / "functions" / "greet"


def main(cloud: MinCloud) -> None:
    print("\n1. deploy a JavaScript function")
    for _ in range(2):
        deployment = cloud.functions.deploy("greet", GREET)
        print(f"   {deployment.action}: {deployment.function.name} (plan {deployment.function.plan_circle})")

    print("\n2. call it and wait")
    print(f"   {cloud.functions.invoke('greet', {'username': '爱范儿'})}")
    try:
        cloud.functions.invoke("greet")
    except FunctionError as error:
        print(f"   {error}")

    print("\n3. call it without waiting, and follow its job to the end")
    run = cloud.functions.trigger("greet", {"username": "知晓云", "delay": 400})
    job = run.wait(timeout=60)
    print(f"   job {job.id}: {job.status}, {job.service_type}, {(job.mem_usage or 0) / 1e6:.0f} MB")

    print("\n4. call it for many inputs, four at a time")
    inputs = ({"username": name} for name in ("小明", "小红", "小刚", "小丽", "小华", "小强"))
    for outcome in cloud.functions.map("greet", inputs, concurrency=4):
        print(f"   {outcome.index}: {outcome.error or outcome.data['greeting']}")

    print("\n5. page through its jobs")
    jobs = cloud.jobs.list("greet", page_size=4)
    for page in jobs.pages():
        line = ", ".join(f"{job.id} {job.status}" for job in page)
        print(f"   from {page.offset} of {page.total}: {line}")

    print(f"\n6. the log of job {job.id}")
    for line in cloud.jobs.log(job).splitlines():
        print(f"   {line}")


if __name__ == "__main__":
    try:
        with Emulator() as emulator:
            print(f"the emulator listens at {emulator.url}")
            with MinCloud(base_url=emulator.url, access_token=emulator.access_token) as cloud:
                main(cloud)
    except (MinCloudError, EmulatorError) as problem:
        sys.exit(f"demo: {problem}")
