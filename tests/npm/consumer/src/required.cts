// The package as a CommonJS module sees it.
import * as mincloud from "mincloud-openapi";
import type { InvocationAnswer } from "mincloud-openapi";

const answer: InvocationAnswer = { status: "ok" };

export const names: string[] = Object.keys(mincloud).filter((name) => name !== "default" && name !== "module.exports").sort();
export const told: string = mincloud.isInvocationResult(answer) ? "result" : "accepted";
