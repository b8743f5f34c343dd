// The way to a token: against the service that the tests have started, which asks for the cookie of each redirect, and against servers that
// answer as none should.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { text } from "node:stream/consumers";
import { inspect } from "node:util";
import { getAccessToken } from "mincloud-openapi";
import { baseUrl, clientWith, given } from "./service.js";

const clientId = given("CLIENT_ID");
const clientSecret = given("CLIENT_SECRET");
const stops: (() => unknown)[] = [];
after(() => stops.forEach((stop) => stop()));

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  stops.push(() => (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What is said when no token comes. It shows no secret, wherever one looks. */
async function refusal(options: Partial<Parameters<typeof getAccessToken>[0]>): Promise<string> {
  const secret = options.clientSecret ?? "the-secret";
  const error: unknown = await getAccessToken({ clientId: "id", clientSecret: secret, ...options }).then(
    () => assert.fail("a token came"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof Error);
  const shown = inspect(error, { depth: Infinity, showHidden: true });
  for (const hidden of ["the-secret", "a-cookie", "a-code", "a-token", "the-password"]) assert.ok(!shown.includes(hidden), shown);
  return error.message;
}

test("a token comes, and is good for requests", async () => {
  const token = await getAccessToken({ baseUrl, clientId, clientSecret });
  assert.ok(token.expires_in && token.refresh_token);
  const { response } = await clientWith(token.access_token).GET("/oserve/v1.3/cloud-function/");
  assert.equal(response.status, 200);
});

test("a slash at the end of the address does no harm", async () => {
  assert.ok((await getAccessToken({ baseUrl: `${baseUrl}/`, clientId, clientSecret })).access_token);
});

test("a wrong secret is an error that says so and does not show it", async () => {
  assert.equal(
    await refusal({ baseUrl, clientId, clientSecret: "the-secret" }),
    "authorize: answered 401, the application is not known by this secret: check clientId and clientSecret",
  );
});

test("the secret is sent twice, the cookies between as they were set last, and nothing else", async () => {
  const seen: [string, string, string, string | undefined][] = [];
  const server = await serve(async (request: IncomingMessage, response) => {
    const body = await text(request);
    seen.push([request.method!, request.url!, body, request.headers.cookie]);
    assert.equal(request.headers.authorization, undefined);
    assert.equal(request.headers["content-type"], body ? "application/json" : undefined);
    if (seen.length === 1) {
      response.setHeader("Set-Cookie", ["a=1=1; Path=/; HttpOnly", "b=2; Expires=Wed, 21 Oct 2099 07:28:00 GMT", "c=3; Max-Age=60"]);
      response.writeHead(302, { Location: "/one?x=1" }).end();
    } else if (seen.length === 2) {
      response.setHeader("Set-Cookie", ["a=; Max-Age=0", "b=4", "c=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "nothing", "=nameless"]);
      response.writeHead(302, { Location: "two" }).end("a body");
    } else {
      response.end(JSON.stringify(seen.length === 3 ? { code: "a-code" } : { access_token: "a-token" }));
    }
  });
  const token = await getAccessToken({ baseUrl: `${server}/below/`, clientId: "id", clientSecret: "the-secret" });
  assert.deepEqual(token, { access_token: "a-token" });
  const application = { client_id: "id", client_secret: "the-secret" };
  const grant = { ...application, grant_type: "authorization_code", code: "a-code" };
  assert.deepEqual(seen, [
    ["POST", "/below/api/oauth2/hydrogen/openapi/authorize/", JSON.stringify(application), undefined],
    ["GET", "/one?x=1", "", "a=1=1; b=2; c=3"],
    ["GET", "/two", "", "b=4"],
    ["POST", "/below/api/oauth2/access_token/", JSON.stringify(grant), undefined],
  ]);
});

for (const status of [302, 307]) {
  test(`another host gets nothing by a ${status}`, async () => {
    const reached: string[] = [];
    const other = await serve((request, response) => void (reached.push(request.url!), response.end()));
    const server = await serve((_, response) => {
      response.writeHead(status, { Location: `${other}/?of=a-code`, "Set-Cookie": "session=a-cookie" }).end();
    });
    const said = await refusal({ baseUrl: server });
    if (status === 302) {
      const host = new URL(other).host;
      assert.equal(
        said,
        `authorize: ${server} redirects to another host, ${host}, which gets neither secret nor cookies: check baseUrl`,
      );
    } else assert.equal(said, "authorize: answered 307, where the contract has 302");
    assert.deepEqual(reached, []);
  });
}

test("a name in an address that is redirected to is not sent", async () => {
  const server = await serve(async (request, response) => {
    assert.equal(request.headers.authorization, undefined);
    if (request.method === "GET") response.writeHead(404).end();
    else response.writeHead(302, { Location: `http://name:the-password@${request.headers.host}/` }).end();
  });
  assert.equal(await refusal({ baseUrl: server }), "authorize: answered 404, where 200 was expected");
});

const ANSWERS: [string, RequestListener, string][] = [
  ["redirects without end", (_, response) => response.writeHead(302, { Location: "/" }).end(), "more than 5 redirects"],
  ["redirects nowhere", (_, response) => response.writeHead(302).end(), "answered 302 without a Location"],
  [
    "redirects to no address",
    (_, response) => response.writeHead(302, { Location: "http://[" }).end(),
    "answered 302 with a Location that is no address",
  ],
  ["is out of order", (_, response) => response.writeHead(502).end("a-code"), "answered 502, where 200 was expected"],
  ["sends no JSON", (_, response) => response.end("<a-code>"), "answered 200 without code: check that baseUrl is the service"],
  ["sends null", (_, response) => response.end("null"), "answered 200 without code: check that baseUrl is the service"],
  ["never answers", () => undefined, "no answer in time; timeout is in milliseconds"],
  ["hangs up", (request) => request.socket.destroy(), "cannot reach the server (UND_ERR_SOCKET): check baseUrl"],
];

for (const [what, listener, said] of ANSWERS) {
  test(`a server that ${what} is an error`, async () => {
    const server = await serve((request, response) => void request.resume().on("end", () => listener(request, response)));
    const timeout = what === "never answers" ? 50 : undefined;
    assert.equal(await refusal({ baseUrl: server, timeout }), `authorize: ${said}`);
  });
}

test("a code that buys nothing is an error", async () => {
  const server = await serve((request, response) => {
    if (request.url!.includes("authorize")) response.end(JSON.stringify({ code: "a-code" }));
    else response.writeHead(302, { Location: "/" }).end();
  });
  assert.equal(await refusal({ baseUrl: server }), "createAccessToken: answered 302, where 200 was expected");
});

test("what cannot be used is refused before anything is sent", async () => {
  const none = undefined as unknown as string; // as from plain JavaScript, where a variable is not set
  assert.equal(await refusal({ clientId: none }), "clientId is missing: give the application's client_id");
  const options = { clientId: "id", clientSecret: none };
  await assert.rejects(getAccessToken(options), /^TypeError: clientSecret is missing: give the application's client_secret$/);
  assert.equal(await refusal({ timeout: 0 }), "timeout is a number of milliseconds above 0");
  for (const baseUrl of ["cloud.minapp.com", "ftp://x", "http://name:the-password@x", "https://x/?y=the-password", "https://x/#y"]) {
    assert.equal(
      await refusal({ baseUrl }),
      "baseUrl is no address: give scheme, host and at most a path, as in https://cloud.minapp.com",
    );
  }
});
