/**
 * A driver of stories: makes each request with a client for TypeScript, which the first argument names.
 *
 *     node out/driver.js openapi-fetch    the package mincloud-openapi with openapi-fetch
 *     node out/driver.js hey-api          what @hey-api/openapi-ts generates, in ./hey-api
 *     node out/driver.js orval            what orval generates, in ./orval.ts
 *
 * It reads a request per line of its input and writes what the client gave its user, a line each, until the input ends. Where a parameter
 * goes, it takes from the contract; a program of your own calls the typed functions by name.
 */

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import { isInvocationAccepted, isInvocationResult, type paths } from "mincloud-openapi";
import createClient from "openapi-fetch";

interface Request {
  id: number;
  operation: string;
  parameters: Record<string, string | number>;
  body?: unknown;
  access_token: string | null;
}

interface Answer {
  status: number;
  body?: unknown;
}

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
}

interface Placed {
  method: string;
  path: string;
  values: Record<"path" | "query" | "header", Record<string, string | number>>;
}

const contract = createRequire(import.meta.url)("mincloud-openapi/mincloud.json");
const baseUrl = (process.env["BASE_URL"] ?? "").replace(/\/$/, "");

/** The method and path of an operation, and its parameters by where they go. */
function placed(request: Request): Placed {
  for (const [path, item] of Object.entries<Record<string, any>>(contract.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (operation.operationId !== request.operation) continue;
      const values: Placed["values"] = { path: {}, query: {}, header: {} };
      for (const given of operation.parameters ?? []) {
        const parameter: Parameter = given.$ref ? contract.components.parameters[given.$ref.split("/").at(-1)] : given;
        const value = request.parameters[parameter.name];
        if (value !== undefined) values[parameter.in][parameter.name] = value;
      }
      return { method, path, values };
    }
  }
  throw new Error(`there is no operation ${request.operation}`);
}

// fetch has no time limit of its own.
const limited: typeof fetch = (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(30_000) });

/** Each client, as a function that makes a request with it. */
const clients: Record<string, (request: Request, headers: Record<string, string>) => Promise<Answer>> = {
  "openapi-fetch": async (request, headers) => {
    const { method, path, values } = placed(request);
    const client = createClient<paths>({ baseUrl, headers, fetch: limited });
    const { data, error, response } = await client.request(method as "get", path as any, { params: values, body: request.body } as any);
    const isCall = ["invokeFunction", "triggerFunction"].includes(request.operation);
    if (response.ok && isCall && !isInvocationResult(data) && !isInvocationAccepted(data)) {
      throw new Error(`neither a result nor an accepted call: ${JSON.stringify(data)}`);
    }
    return { status: response.status, body: response.ok ? data : error };
  },

  "hey-api": async (request, headers) => {
    const sdk: Record<string, any> = await import("./hey-api/sdk.gen.js");
    const { createClient: create } = await import("./hey-api/client/index.js");
    const { path, query, header } = placed(request).values;
    const client = create({ baseUrl, fetch: limited });
    const options = { client, path, query, headers: { ...headers, ...header }, ...(request.body === undefined ? {} : { body: request.body }) };
    const { data, error, response } = await sdk[request.operation](options);
    return { status: response.status, body: response.status === 204 ? undefined : response.ok ? data : error };
  },

  orval: async (request, headers) => {
    const generated: Record<string, any> = await import("./orval.js");
    const { path, query, header } = placed(request).values;
    const taken = [...Object.values(path), ...(request.body === undefined ? [] : [request.body])];
    if (request.operation.startsWith("list")) taken.push(query as any);
    // Its functions ask for a path alone: a `fetch` of one's own brings the address.
    globalThis.fetch = (input, init) => realFetch(`${baseUrl}${input}`, { ...init, signal: AbortSignal.timeout(30_000) });
    const { data, status } = await generated[request.operation](...taken, { headers: { ...headers, ...header } });
    return { status, body: status === 204 ? undefined : data };
  },
};
const realFetch = globalThis.fetch;

async function answer(request: Request): Promise<object> {
  const headers: Record<string, string> = {};
  if (request.access_token !== null) headers["Authorization"] = `Bearer ${request.access_token}`;
  try {
    const { status, body } = await clients[process.argv[2] ?? ""]!(request, headers);
    return { id: request.id, status, ...(body === undefined || body === "" ? {} : { body }) };
  } catch (error) {
    return { id: request.id, error: String(error).split("\n", 1)[0] };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Request))}\n`);
}
