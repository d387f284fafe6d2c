import { HttpResponse, http } from "msw";
import { expect, it } from "vitest";
import { server } from "@/testing/server";
import { api, ask } from "./client";
import { Problem } from "./problem";
import { session } from "./session";

const ASSET = "/api/admin/assets/:id/retry-conversion";
const ID = "01a1fada-4838-7634-b0df-8f2d2a09f95d";
const USER = { id: ID, email: "ada@example.com", name: "Ada", role: "admin", disabled: false };

const retry = () =>
  ask(
    api.POST("/api/admin/assets/{asset_id}/retry-conversion", {
      params: { path: { asset_id: ID } },
    }),
  );

it("throws what the server refused, with all that it said", async () => {
  const refusal = {
    ...{ code: "illegal_transition", title: "Not now", detail: "It has not failed.", status: 409 },
    ...{ trace_id: "4bf9", errors: [{ pointer: "#/a/b", detail: "no" }], more: 1 },
  };
  server.use(http.post(ASSET, () => HttpResponse.json(refusal, { status: 409 })));
  const problem = await retry().catch((error: Problem) => error);
  expect(problem).toBeInstanceOf(Problem);
  expect(problem).toMatchObject({ status: 409, code: "illegal_transition", traceId: "4bf9" });
  expect((problem as Problem).fields).toEqual({ "a.b": "no" });
  expect((problem as Problem).extra).toMatchObject({ more: 1 });
});

it("says so when nobody answers", async () => {
  server.use(http.post(ASSET, () => HttpResponse.error()));
  await expect(retry()).rejects.toMatchObject({ code: "offline", passing: true });
});

it("waits for a new sign-in when the session ended, then sends the same again", async () => {
  const seen: (string | null)[] = [];
  let signedIn = false;
  server.use(
    http.post(ASSET, ({ request }) => {
      seen.push(request.headers.get("Idempotency-Key"));
      return signedIn
        ? HttpResponse.json({ id: ID }, { status: 202 })
        : HttpResponse.json({ code: "unauthenticated" }, { status: 401 });
    }),
    http.get("/api/auth/session", () =>
      HttpResponse.json(signedIn ? { user: USER, csrf_token: "t" } : { user: null }),
    ),
    http.post("/api/auth/login", () => {
      signedIn = true;
      return HttpResponse.json({});
    }),
  );
  const retried = retry();
  await expect.poll(() => seen.length).toBe(1);
  await session.signIn("ada@example.com", "secret");
  await expect(retried).resolves.toEqual({ id: ID });
  expect(seen[0]).toBe(seen[1]);
  expect(session.csrfToken).toBe("t");
});
