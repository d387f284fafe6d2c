import createClient from "openapi-fetch";
import { clock } from "./clock";
import { Problem } from "./problem";
import type { components, paths } from "./schema";
import { session } from "./session";

type Schemas = components["schemas"];
export type Asset = Schemas["AssetView"];
export type User = Schemas["User"];
export type ConversionStatus = Asset["conversion_status"];

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);
const SIGNING_IN = "/api/auth/";

/** The API of the gateway, typed by its own description. */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: send });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What a call answered. Throws a Problem if it was refused or did not get through. */
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  const asked = Date.now();
  const { data, error, response } = await call.catch((thrown: unknown) => {
    throw Problem.of(thrown);
  });
  if (!response.ok) throw Problem.read(response.status, error);
  clock.observe(data, asked);
  return data as T;
}

/**
 * Sends a request as who is signed in. A POST gets an Idempotency-Key, so that one whose answer
 * was lost can be sent again; an expired session waits for a new sign-in and then goes on.
 */
export async function send(request: Request): Promise<Response> {
  const path = new URL(request.url).pathname;
  if (path.startsWith(SIGNING_IN)) return fetch(signed(request));
  if (request.method === "POST" && !request.headers.has("Idempotency-Key")) {
    request.headers.set("Idempotency-Key", newKey());
  }
  const [first, second] = [request.clone(), request];
  const answer = await fetch(signed(first));
  if (answer.status === 401) {
    await session.renewed();
    return fetch(signed(second));
  }
  if (answer.status === 403 && (await codeOf(answer)) === "csrf_token_missing") {
    await session.refresh();
    return fetch(signed(second));
  }
  return answer;
}

function signed(request: Request): Request {
  if (!SAFE.has(request.method) && session.csrfToken) {
    request.headers.set("X-CSRF-Token", session.csrfToken);
  }
  return request;
}

async function codeOf(answer: Response): Promise<unknown> {
  return (
    await answer
      .clone()
      .json()
      .catch(() => ({}))
  ).code;
}

/** A random name for a request; `randomUUID` is missing where pages are not secure. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
