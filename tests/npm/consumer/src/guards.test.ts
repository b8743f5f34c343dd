// The guards and the data of the package, without a service.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as mincloud from "mincloud-openapi";
import contract from "mincloud-openapi/mincloud.json" with { type: "json" };
import portable from "mincloud-openapi/portable.json" with { type: "json" };
import * as required from "./required.cjs";

const answers = contract.components.responses.InvocationAnswer.content["application/json"].examples;

test("the examples of the contract are told apart", () => {
  const told = Object.entries(answers).map(([name, { value }]) => [
    name,
    mincloud.isInvocationResult(value),
    mincloud.isInvocationAccepted(value),
  ]);
  assert.deepEqual(told, [
    ["succeeded", true, false],
    ["failed", true, false],
    ["accepted", false, true],
  ]);
});

test("what is neither of the two answers is neither", () => {
  for (const other of [undefined, null, 0, "ok", "", [], {}, { code: "0" }, { status: 200 }, { data: {} }]) {
    assert.equal(mincloud.isInvocationResult(other), false);
    assert.equal(mincloud.isInvocationAccepted(other), false);
  }
});

test("a result with a field of its own named status is a result", () => {
  const answer: unknown = { code: 0, data: null, status: "ok" };
  assert.ok(mincloud.isInvocationResult(answer));
  assert.ok(!mincloud.isInvocationAccepted(answer));
});

test("every known value is known, and no other", () => {
  for (const value of contract.components.schemas.JobStatus.enum) assert.ok(mincloud.isKnownValue("Job", "status", value));
  for (const value of ["done", "", "constructor", null, undefined, 0, {}]) {
    assert.equal(mincloud.isKnownValue("Job", "status", value), false);
  }
});

test("the package's version is the contract's", () => {
  assert.equal(mincloud.contractVersion, contract.info.version);
  assert.equal(createRequire(import.meta.url)("mincloud-openapi/package.json").version, contract.info.version);
});

test("the portable variant has one schema for the two-way answer", () => {
  assert.deepEqual(Object.keys(portable.components.schemas.InvocationAnswer.properties), ["code", "data", "error", "status"]);
  assert.deepEqual(Object.keys(portable.paths), Object.keys(contract.paths));
});

test("CommonJS gets the same names", () => {
  assert.deepEqual(required.names, Object.keys(mincloud).sort());
  assert.equal(required.told, "accepted");
});
