// Calls through openapi-fetch, with the package's types and guards. The functions and the strange answers are set up by the tests in Python.
import assert from "node:assert/strict";
import { setTimeout } from "node:timers/promises";
import { test } from "node:test";
import { isInvocationAccepted, isInvocationResult, isKnownValue, type Job, type JobStatus, type TokenRequest } from "mincloud-openapi";
import { client, clientWith } from "./service.js";

const CALL = "/oserve/v1.3/cloud-function/{function_name}/job/";
const FUNCTION = "/oserve/v1.3/cloud-function/{function_name}/";

test("a call that is waited for gives a result", async () => {
  const { data, response } = await client.POST(CALL, {
    params: { path: { function_name: "greet" } },
    body: { data: { username: "爱范儿" } },
  });
  assert.equal(response.status, 200);
  assert.ok(isInvocationResult(data));
  assert.ok(!isInvocationAccepted(data));
  assert.deepEqual([data.code, data.data], [0, "hello 爱范儿"]);
});

test("a function that fails gives a result too", async () => {
  const { data } = await client.POST(CALL, { params: { path: { function_name: "greet" } }, body: { data: {} } });
  assert.ok(isInvocationResult(data));
  assert.ok(isKnownValue("InvocationResult", "code", data.code));
  assert.deepEqual([data.code, data.data], [1, null]);
  assert.match(data.error?.message ?? "", /username is missing/);
});

test("a result may be null", async () => {
  const { data } = await client.POST(CALL, { params: { path: { function_name: "nothing" } }, body: { data: {} } });
  assert.ok(isInvocationResult(data));
  assert.deepEqual([data.code, data.data], [0, null]);
});

test("a call that is not waited for is accepted, and its job is found", async () => {
  const path = { function_name: "月报/九月" };
  const { data } = await client.POST(CALL, { params: { path }, body: { data: { month: 9 }, sync: false } });
  assert.ok(isInvocationAccepted(data));
  assert.ok(!isInvocationResult(data));
  assert.equal(data.status, "ok");

  let job: Job | undefined;
  for (let attempt = 0; attempt < 100 && job?.status !== "fulfilled"; attempt++) {
    await setTimeout(50);
    const page = await client.GET(CALL, { params: { path, query: { service_type: "batch", limit: 1 } } });
    job = page.data?.objects[0];
  }
  assert.ok(job);
  assert.ok(isKnownValue("Job", "status", job.status));
  assert.equal(ended(job.status), true);
});

/** Takes every known status, and would not compile if one were missing. */
function ended(status: JobStatus): boolean {
  switch (status) {
    case "waiting":
    case "executing":
      return false;
    case "fulfilled":
    case "schedule_failed":
    case "execution_rejected":
    case "deadline_exceeded":
    case "execution_failed":
      return true;
  }
}

test("unknown values and unknown fields arrive as they are", async () => {
  const { data } = await client.GET(FUNCTION, { params: { path: { function_name: "strange" } } });
  assert.ok(data);
  assert.equal(data.plan_circle, "P_GOLD");
  assert.equal(isKnownValue("CloudFunction", "plan_circle", data.plan_circle), false);
  assert.equal(isKnownValue("CloudFunction", "audit_status", data.audit_status), true);
  assert.deepEqual(data, { name: "strange", plan_circle: "P_GOLD", audit_status: "approved", colour: { red: 1 } });
});

test("a function is created, changed and deleted, and 204 has no body", async () => {
  const path = { function_name: "from TypeScript" };
  const created = await client.POST("/oserve/v1.3/cloud-function/", {
    body: { name: path.function_name, function_code: "exports.main = async () => 1" },
  });
  assert.deepEqual([created.response.status, created.data?.name], [201, path.function_name]);
  const changed = await client.PATCH(FUNCTION, { params: { path }, body: { remark: "看过了", plan_circle: "P_PERSONAL" } });
  assert.deepEqual([changed.response.status, changed.data?.remark], [202, "看过了"]);
  const deleted = await client.DELETE(FUNCTION, { params: { path } });
  assert.deepEqual([deleted.response.status, deleted.data, deleted.error], [204, undefined, undefined]);
});

test("a wrong token is 401", async () => {
  const { data, error, response } = await clientWith("wrong").GET("/oserve/v1.3/cloud-function/");
  assert.deepEqual([response.status, data], [401, undefined]);
  assert.ok(typeof error === "object" && error.error_msg);
});

test("a missing function is 404", async () => {
  const { error, response } = await client.GET(FUNCTION, { params: { path: { function_name: "missing" } } });
  assert.equal(response.status, 404);
  assert.ok(error);
});

test("an error that is a bare string, or no JSON at all, is still an error", async () => {
  const bare = await client.GET(FUNCTION, { params: { path: { function_name: "bare" } } });
  assert.deepEqual([bare.response.status, bare.error], [400, "不存在。"]);
  const gateway = await client.GET(FUNCTION, { params: { path: { function_name: "gateway" } } });
  assert.deepEqual([gateway.response.status, gateway.error], [502, "<html>Bad Gateway</html>"]);
});

test("the two ways to a token are told apart by grant_type", async () => {
  const ways: TokenRequest[] = [
    { client_id: "x", client_secret: "y", grant_type: "authorization_code", code: "z" },
    { client_id: "x", client_secret: "y", grant_type: "refresh_token", refresh_token: "z" },
  ];
  for (const body of ways) {
    const { response } = await client.POST("/api/oauth2/access_token/", { body });
    assert.equal(response.status, 401);
  }
});
