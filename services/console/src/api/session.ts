import { Problem } from "./problem";
import type { components } from "./schema";

type CurrentSession = components["schemas"]["CurrentSession"];
export type SignedInUser = NonNullable<CurrentSession["user"]>;

export type SessionState =
  | { phase: "loading" }
  | { phase: "unreachable"; problem: Problem }
  | { phase: "out" }
  | { phase: "in"; user: SignedInUser }
  /** It ended while the person was at work; what they see stays as it is. */
  | { phase: "expired"; user: SignedInUser };

/** Who is signed in. There is one, below React, because requests and sockets need it too. */
class Session {
  csrfToken: string | null = null;
  #state: SessionState = { phase: "loading" };
  readonly #listeners = new Set<() => void>();
  #waiting: (() => void)[] = [];

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): SessionState => this.#state;

  /** Asks the server who is signed in. */
  async refresh(): Promise<void> {
    let told: CurrentSession;
    try {
      const answer = await fetch("/api/auth/session", { headers: { Accept: "application/json" } });
      const body = await answer.json();
      if (!answer.ok) throw Problem.read(answer.status, body);
      told = body;
    } catch (error) {
      if (this.#state.phase === "loading" || this.#state.phase === "unreachable") {
        this.#become({ phase: "unreachable", problem: Problem.of(error) });
      }
      return;
    }
    this.csrfToken = told.csrf_token ?? null;
    if (told.user) this.#enter(told.user);
    else this.#leave();
  }

  /** Signs in; throws a Problem if that was refused. */
  async signIn(email: string, password: string): Promise<void> {
    await post("/api/auth/login", { email, password });
    await this.refresh();
  }

  /** Signs out, here and on the server. */
  async signOut(): Promise<void> {
    await post("/api/auth/logout", undefined, this.csrfToken).catch(() => undefined);
    this.csrfToken = null;
    location.assign("/");
  }

  /** Resolves once somebody is signed in again, after a request was refused for want of it. */
  async renewed(): Promise<void> {
    await this.refresh();
    if (this.#state.phase === "in") return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #enter(user: SignedInUser): void {
    const before = "user" in this.#state ? this.#state.user : undefined;
    if (before && before.id !== user.id) {
      location.assign("/"); // nothing of one person's page may be another's
      return;
    }
    const same = this.#state.phase === "in" && JSON.stringify(before) === JSON.stringify(user);
    if (!same) this.#become({ phase: "in", user });
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  #leave(): void {
    const user = "user" in this.#state ? this.#state.user : undefined;
    if (this.#state.phase === "expired" || (this.#state.phase === "out" && !user)) return;
    this.#become(user ? { phase: "expired", user } : { phase: "out" });
  }

  #become(state: SessionState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

async function post(path: string, body?: unknown, csrf?: string | null): Promise<void> {
  const headers: Record<string, string> = { "Content-Type": "application/json" };
  if (csrf) headers["X-CSRF-Token"] = csrf;
  const given = body === undefined ? {} : { body: JSON.stringify(body) };
  const answer = await fetch(path, { method: "POST", headers, ...given }).catch((error) => {
    throw Problem.of(error);
  });
  if (!answer.ok) throw Problem.read(answer.status, await answer.json().catch(() => ({})));
}

export const session = new Session();
