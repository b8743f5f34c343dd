/**
 * A driver of stories: makes each request with openapi-fetch and the types of the package mincloud-openapi.
 *
 * It reads a request per line of its input and writes what the client gave its user, a line each, until the input ends.
 */

import { createInterface } from "node:readline";

import { isInvocationAccepted, isInvocationResult, type components, type operations, type paths } from "mincloud-openapi";
import createClient from "openapi-fetch";

type Schemas = components["schemas"];
type Client = ReturnType<typeof createClient<paths>>;
type Value = string | number;

interface Request {
  id: number;
  operation: string;
  parameters: Record<string, Value>;
  body?: unknown;
  access_token: string | null;
}

interface Answer {
  data?: unknown;
  error?: unknown;
  response: Response;
}

const FUNCTIONS = "/oserve/v1.3/cloud-function/";
const FUNCTION = "/oserve/v1.3/cloud-function/{function_name}/";
const JOBS = "/oserve/v1.3/cloud-function/{function_name}/job/";

/** The request's parameters by where they go. They come as JSON, so that it is here that they are given their types. */
function parameters<O extends keyof operations>(request: Request): operations[O]["parameters"] {
  const { function_name, "X-Hydrogen-Env-ID": environment, ...query } = request.parameters;
  const placed = {
    ...(function_name === undefined ? {} : { path: { function_name } }),
    ...(environment === undefined ? {} : { header: { "X-Hydrogen-Env-ID": environment } }),
    ...(Object.keys(query).length === 0 ? {} : { query }),
  };
  return placed as operations[O]["parameters"];
}

/** Each operation of the contract; the compiler holds paths, parameters and bodies to its types. */
const calls: Record<string, (client: Client, request: Request) => Promise<Answer>> = {
  listFunctions: (client, request) => client.GET(FUNCTIONS, { params: parameters<"listFunctions">(request) }),
  createFunction: (client, request) =>
    client.POST(FUNCTIONS, { params: parameters<"createFunction">(request), body: request.body as Schemas["CreateFunctionRequest"] }),
  getFunction: (client, request) => client.GET(FUNCTION, { params: parameters<"getFunction">(request) }),
  updateFunction: (client, request) =>
    client.PATCH(FUNCTION, { params: parameters<"updateFunction">(request), body: request.body as Schemas["UpdateFunctionRequest"] }),
  deleteFunction: (client, request) => client.DELETE(FUNCTION, { params: parameters<"deleteFunction">(request) }),
  invokeFunction: (client, request) =>
    client.POST(JOBS, { params: parameters<"invokeFunction">(request), body: request.body as Schemas["InvokeRequest"] }).then(checked),
  triggerFunction: (client, request) =>
    client
      .POST("/oserve/v1/cloud-function/job/", {
        params: parameters<"triggerFunction">(request),
        body: request.body as Schemas["TriggerRequest"],
      })
      .then(checked),
  debugFunction: (client, request) =>
    client.POST("/oserve/v1.3/cloud-function/{function_name}/debug/", {
      params: parameters<"debugFunction">(request),
      body: request.body as Schemas["DebugRequest"],
    }),
  listJobs: (client, request) => client.GET(JOBS, { params: parameters<"listJobs">(request) }),
  authorize: (client, request) =>
    client.POST("/api/oauth2/hydrogen/openapi/authorize/", { body: request.body as Schemas["AuthorizeRequest"] }),
  createAccessToken: (client, request) =>
    client.POST("/api/oauth2/access_token/", { body: request.body as Schemas["TokenRequest"] }),
};

/** The answer to a call, which one of the package's guards has to know. */
function checked<T extends Answer>(answer: T): T {
  if (answer.response.ok && !isInvocationResult(answer.data) && !isInvocationAccepted(answer.data)) {
    throw new Error(`neither a result nor an accepted call: ${JSON.stringify(answer.data)}`);
  }
  return answer;
}

async function answer(request: Request): Promise<object> {
  const call = calls[request.operation];
  if (call === undefined) {
    return { id: request.id, error: `there is no operation ${request.operation}` };
  }
  const headers = request.access_token === null ? {} : { Authorization: `Bearer ${request.access_token}` };
  // fetch has no time limit of its own.
  const limited: typeof fetch = (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(30_000) });
  const client = createClient<paths>({ baseUrl: process.env["BASE_URL"] ?? "", headers, fetch: limited });
  try {
    const { data, error, response } = await call(client, request);
    const body = response.ok ? data : error;
    const empty = body === undefined || body === "";
    return { id: request.id, status: response.status, ...(empty ? {} : { body }) };
  } catch (error) {
    return { id: request.id, error: String(error).split("\n", 1)[0] };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Request))}\n`);
}
