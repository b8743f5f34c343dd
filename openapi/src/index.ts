/** The contract of MinCloud's cloud functions: its types, the values known of its open enums, guards for its answers, and a way to a token. */

import { knownValues } from "./contract.js";
import type { InvocationAccepted, InvocationResult } from "./contract.js";

export * from "./contract.js";
export { getAccessToken, type AccessTokenOptions } from "./token.js";

type KnownValues = typeof knownValues;

/** A schema that has open enums. */
export type SchemaWithOpenEnums = keyof KnownValues;

/** A field of a schema that is an open enum. */
export type OpenEnum<S extends SchemaWithOpenEnums> = keyof KnownValues[S];

/** A value known so far of an open enum: `KnownValue<"Job", "status">`. */
export type KnownValue<S extends SchemaWithOpenEnums, F extends OpenEnum<S>> = KnownValues[S][F] extends readonly (infer V)[]
  ? V
  : never;

/**
 * Whether the answer to a call says how the function ended, which it does when the call was waited for (`sync` is true).
 *
 * The function itself may have failed: `code` is then not 0.
 */
export function isInvocationResult(answer: unknown): answer is InvocationResult {
  return hasField(answer, "code", "number");
}

/** Whether the answer to a call says only that it was accepted, which it does when it was not waited for (`sync` is false). */
export function isInvocationAccepted(answer: unknown): answer is InvocationAccepted {
  return hasField(answer, "status", "string") && !isInvocationResult(answer);
}

/**
 * Whether a field that is an open enum has a value that this version of the contract knows.
 *
 * The service may add values at any time: whatever is done for the known ones, there has to be a way for the others too.
 *
 * @param schema - The schema's name, as `"Job"`.
 * @param field - The field's name, as `"status"`.
 * @param value - The field's value.
 */
export function isKnownValue<S extends SchemaWithOpenEnums, F extends OpenEnum<S>>(
  schema: S,
  field: F,
  value: unknown,
): value is KnownValue<S, F> {
  const known = knownValues[schema][field] as readonly unknown[];
  return known.includes(value);
}

function hasField(value: unknown, field: string, type: "number" | "string"): boolean {
  return typeof value === "object" && value !== null && typeof (value as Record<string, unknown>)[field] === type;
}
