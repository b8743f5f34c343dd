/** Gets an access token by the two operations that lead to one, in Node and whatever else lets a program see redirects and cookies. */

import { serverUrl } from "./contract.js";
import type { AccessToken, AuthorizationCodeGrant, AuthorizeRequest, paths } from "./contract.js";

const AUTHORIZE = "/api/oauth2/hydrogen/openapi/authorize/" satisfies keyof paths;
const ACCESS_TOKEN = "/api/oauth2/access_token/" satisfies keyof paths;
// The service redirects twice.
const MOST_REDIRECTS = 5;

/** What `getAccessToken` needs. */
export interface AccessTokenOptions {
  /** The application's `client_id`. */
  clientId: string;
  /** The application's `client_secret`. */
  clientSecret: string;
  /** The server, the service's own if left out. A path below the host is kept. */
  baseUrl?: string | undefined;
  /** How many milliseconds all of it may take, 30,000 if left out. */
  timeout?: number | undefined;
}

/**
 * Gets an access token for an application: asks for a code (`authorize`), follows the redirects with the cookies that come with them,
 * and exchanges the code (`createAccessToken`).
 *
 * The secret and the cookies are sent to the host of `baseUrl` alone: a redirect to another one is an error. No error shows a secret.
 *
 * @param options - The application, and where to ask.
 * @returns The answer of `createAccessToken`: `access_token`, its lifetime `expires_in` in seconds, and `refresh_token`.
 * @throws TypeError - An option is missing or cannot be used; nothing was sent.
 * @throws Error - The server cannot be reached, refuses the application, takes too long, or answers otherwise than the contract says.
 */
export async function getAccessToken(options: AccessTokenOptions): Promise<AccessToken> {
  const { clientId, clientSecret, baseUrl = serverUrl, timeout = 30_000 } = options;
  if (typeof clientId !== "string" || !clientId) throw new TypeError("clientId is missing: give the application's client_id");
  if (typeof clientSecret !== "string" || !clientSecret) {
    throw new TypeError("clientSecret is missing: give the application's client_secret");
  }
  if (!(timeout > 0 && timeout <= 2 ** 31 - 1)) throw new TypeError("timeout is a number of milliseconds above 0");
  const server = address(baseUrl);
  const signal = AbortSignal.timeout(Math.ceil(timeout));

  const application: AuthorizeRequest = { client_id: clientId, client_secret: clientSecret };
  const code = await codeOf(server + AUTHORIZE, application, signal);
  const grant: AuthorizationCodeGrant = { ...application, grant_type: "authorization_code", code };
  const answer = await send("createAccessToken", server + ACCESS_TOKEN, post(grant), signal);
  return field<AccessToken>("createAccessToken", answer, "access_token");
}

async function codeOf(start: string, application: AuthorizeRequest, signal: AbortSignal): Promise<string> {
  const cookies = new Map<string, string>();
  let url = new URL(start);
  let request = post(application);
  for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
    const answer = await send("authorize", url, request, signal);
    if (answer.status < 300 || answer.status > 399) {
      return (await field<{ code: string }>("authorize", answer, "code")).code;
    }
    keep(answer.headers.getSetCookie(), cookies);
    await answer.body?.cancel();
    url = target(answer, url);
    // The next request is a GET without a body, so that the secret is not sent again.
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    request = { headers: cookie ? { Cookie: cookie } : {} };
  }
  throw new Error(`authorize: more than ${MOST_REDIRECTS} redirects`);
}

/** Where a redirect leads, which has to be on the same host. */
function target(answer: Response, from: URL): URL {
  // 307 and 308 would have the secret sent again.
  if (![301, 302, 303].includes(answer.status)) throw new Error(`authorize: answered ${answer.status}, where the contract has 302`);
  const location = answer.headers.get("Location");
  if (!location) throw new Error(`authorize: answered ${answer.status} without a Location`);
  let url: URL;
  try {
    url = new URL(location, from);
  } catch {
    throw new Error(`authorize: answered ${answer.status} with a Location that is no address`);
  }
  if (url.origin !== from.origin) {
    throw new Error(
      `authorize: ${from.origin} redirects to another host, ${url.host || url.protocol}, which gets neither secret nor cookies: check baseUrl`,
    );
  }
  // fetch would show what stands before the @ in its error.
  url.username = url.password = "";
  return url;
}

/** Takes the cookies of an answer; all requests go to one host, so that neither its name nor a domain needs to be kept. */
function keep(lines: readonly string[], cookies: Map<string, string>): void {
  for (const line of lines) {
    const [pair = "", ...attributes] = line.split(";");
    const separator = pair.indexOf("=");
    const name = pair.slice(0, separator).trim();
    if (separator < 1 || !name) continue;
    const given = new Map(attributes.map((attribute) => {
      const [key = "", value = ""] = attribute.split("=", 2);
      return [key.trim().toLowerCase(), value.trim()];
    }));
    const age = given.get("max-age");
    const gone = age !== undefined ? Number(age) <= 0 : Date.parse(given.get("expires") ?? "") <= Date.now();
    if (gone) cookies.delete(name);
    else cookies.set(name, pair.slice(separator + 1).trim());
  }
}

function address(baseUrl: string): string {
  let url: URL | undefined;
  try {
    url = new URL(baseUrl);
  } catch {
    // Said below, without the address, which may hold a password.
  }
  if (!url || !["http:", "https:"].includes(url.protocol) || url.username || url.password || url.search || url.hash) {
    throw new TypeError(`baseUrl is no address: give scheme, host and at most a path, as in ${serverUrl}`);
  }
  return url.href.replace(/\/+$/, "");
}

function post(body: AuthorizeRequest | AuthorizationCodeGrant): RequestInit {
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
}

/** Sends a request; follows no redirect. */
async function send(operation: string, url: URL | string, request: RequestInit, signal: AbortSignal): Promise<Response> {
  const answer = await received(operation, () => fetch(url, { ...request, redirect: "manual", signal }));
  if (answer.type === "opaqueredirect") {
    throw new Error(`${operation}: this is a browser, which hides redirects: call getAccessToken in Node`);
  }
  return answer;
}

/** What came; of an error the code alone is told, since its text and its cause may quote what was sent or received. */
async function received<T>(operation: string, receive: () => Promise<T>): Promise<T> {
  try {
    return await receive();
  } catch (error) {
    const { name, cause } = error as { name?: unknown; cause?: { code?: unknown } };
    if (name === "TimeoutError") throw new Error(`${operation}: no answer in time; timeout is in milliseconds`);
    throw new Error(`${operation}: cannot reach the server (${String(cause?.code ?? name)}): check baseUrl`);
  }
}

/** The body of a successful answer, which has a text under a name. */
async function field<T>(operation: string, answer: Response, name: keyof T & string): Promise<T> {
  const text = await received(operation, () => answer.text());
  if (answer.status === 401) {
    throw new Error(`${operation}: answered 401, the application is not known by this secret: check clientId and clientSecret`);
  }
  if (answer.status !== 200) throw new Error(`${operation}: answered ${answer.status}, where 200 was expected`);
  let body: Partial<T> | null;
  try {
    body = JSON.parse(text);
  } catch {
    body = null;
  }
  if (typeof body?.[name] !== "string" || !body[name]) {
    throw new Error(`${operation}: answered 200 without ${name}: check that baseUrl is the service`);
  }
  return body as T;
}
