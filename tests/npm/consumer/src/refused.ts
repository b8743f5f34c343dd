// What the types refuse, and what they let through. Nothing here is run: each @ts-expect-error fails to compile where nothing is wrong.
import { isInvocationAccepted, isInvocationResult, isKnownValue } from "mincloud-openapi";
import type { InvocationAnswer, Job, JobStatus, KnownValue, TokenRequest } from "mincloud-openapi";
import { client } from "./service.js";

const CALL = "/oserve/v1.3/cloud-function/{function_name}/job/";
const FUNCTION = "/oserve/v1.3/cloud-function/{function_name}/";
const params = { path: { function_name: "greet" } };

export async function requests(): Promise<void> {
  await client.POST(CALL, { params, body: { data: {} } });
  // @ts-expect-error a call needs data
  await client.POST(CALL, { params, body: {} });
  // @ts-expect-error data is an object
  await client.POST(CALL, { params, body: { data: "text" } });
  // @ts-expect-error sync is a boolean
  await client.POST(CALL, { params, body: { data: {}, sync: "yes" } });
  // @ts-expect-error a call needs the function's name
  await client.POST(CALL, { body: { data: {} } });
  // @ts-expect-error there is no such path
  await client.GET("/oserve/v1.3/cloud-function");
  // @ts-expect-error a function is not put
  await client.PUT(FUNCTION, { params, body: {} });
  // @ts-expect-error a function needs its code
  await client.POST("/oserve/v1.3/cloud-function/", { body: { name: "greet" } });
  // @ts-expect-error a plan that is sent is one of the known
  await client.PATCH(FUNCTION, { params, body: { plan_circle: "P_GOLD" } });
  // @ts-expect-error a request has no null
  await client.PATCH(FUNCTION, { params, body: { remark: null } });
  // @ts-expect-error a status that is asked for is one of the known
  await client.GET(CALL, { params: { ...params, query: { status: "done" } } });
  // @ts-expect-error there is no such parameter
  await client.GET(CALL, { params: { ...params, query: { page: 1 } } });
}

// @ts-expect-error the grant decides which fields there are
export const mixed: TokenRequest = { client_id: "x", client_secret: "y", grant_type: "refresh_token", code: "z" };

export function twoWays(answer: InvocationAnswer): unknown {
  // @ts-expect-error it may be an accepted call
  answer.code;
  // @ts-expect-error it may be a result
  answer.status;
  if (isInvocationResult(answer)) {
    // @ts-expect-error a result has no status
    answer.status;
    return answer.data;
  }
  // @ts-expect-error an accepted call has no code
  answer.code;
  return answer.status;
}

export function alsoTheOtherWay(answer: InvocationAnswer): unknown {
  // @ts-expect-error a result has no status
  return isInvocationAccepted(answer) ? answer.status : answer.status;
}

export function openEnums(job: Job): JobStatus | undefined {
  const anyOther: Job["status"] = "a status of next year";
  // @ts-expect-error a status is a string
  const number: Job["status"] = 1;
  // @ts-expect-error it may be a status of next year
  const known: JobStatus = job.status;
  // @ts-expect-error Job has no open enum of this name
  isKnownValue("Job", "id", job.id);
  // @ts-expect-error there is no such schema
  isKnownValue("Jobs", "status", job.status);
  // @ts-expect-error there is no such value
  const value: KnownValue<"Job", "service_type"> = "nightly";
  void [anyOther, number, known, value];
  return isKnownValue("Job", "status", job.status) ? job.status : undefined;
}

export function missing(job: Job): string {
  // @ts-expect-error a job that has not ended has no log yet
  const address: string = job.user_log_url;
  return job.user_log_url ?? address;
}

// An editor offers what the type lists; a type that were a mere string would list nothing.
export const offered: [Extract<Job["status"], "fulfilled">, Extract<Job["source"], "timer">] = ["fulfilled", "timer"];
