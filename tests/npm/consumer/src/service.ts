// The service that the tests have started, and a client for it.
import createClient, { type Client } from "openapi-fetch";
import type { paths } from "mincloud-openapi";

export function given(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}`);
  return value;
}

export const baseUrl = given("BASE_URL");
export const accessToken = given("ACCESS_TOKEN");

export function clientWith(token: string): Client<paths> {
  return createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });
}

export const client = clientWith(accessToken);
