import type { Upload } from "tus-js-client";
import { newKey } from "@/api/client";
import { Problem } from "@/api/problem";
import { session } from "@/api/session";
import { type Objection, objection } from "./inspect";
import { Keep, type Kept, takeInHand } from "./keep";
import type { Sending } from "./sending";
import { Speed } from "./speed";

export type Phase = "waiting" | "sending" | "paused" | "done" | "refused" | "failed";

/** An upload as it is shown. */
export interface Item {
  readonly id: string;
  readonly name: string;
  readonly size: number;
  readonly sent: number;
  /** Bytes a second; 0 while nobody can tell. */
  readonly speed: number;
  readonly phase: Phase;
  readonly assetId: string | null;
  readonly objection: Objection | null;
  readonly problem: Problem | null;
}

interface Work {
  file: File;
  url: string | null;
  kept: boolean;
  speed: Speed;
  sending: Upload | null;
}

const AT_ONCE = 2;
const NOT_STARTED = { sent: 0, speed: 0, assetId: null, objection: null, problem: null };

/** Every upload of this window: two at a time, each resumable, all of them after a reload too. */
export class Uploads {
  #items: readonly Item[] = [];
  readonly #work = new Map<string, Work>();
  readonly #listeners = new Set<() => void>();
  readonly #keep: Keep;
  readonly #send: (sending: Sending) => Promise<Upload>;
  #most: Promise<number | null> | null = null;

  constructor(keep = new Keep(), send = load) {
    this.#keep = keep;
    this.#send = send;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly items = (): readonly Item[] => this.#items;

  /** Takes files to send; those that the server would refuse are refused here. */
  async add(files: readonly File[]): Promise<void> {
    this.#most ??= largest();
    for (const file of files) {
      const reason = await objection(file, await this.#most);
      if (reason) this.#show({ ...shownOf(newKey(), file), phase: "refused", objection: reason });
      else await this.#take(file);
    }
    this.#next();
  }

  /** Goes on with what a reload interrupted. */
  async restore(): Promise<void> {
    const kept = await this.#keep.all().catch((): Kept[] => []);
    for (const { id } of kept) {
      if (!this.#work.has(id)) takeInHand(id, () => this.#revive(id));
    }
  }

  pause(id: string): void {
    const work = this.#work.get(id);
    void work?.sending?.abort();
    if (work) work.sending = null;
    this.#change(id, { phase: "paused", speed: 0 });
    void this.#keep.change(id, { paused: true }).catch(() => undefined);
    this.#next();
  }

  /** Goes on with what was paused or failed. */
  resume(id: string): void {
    this.#work.get(id)?.speed.reset();
    this.#change(id, { phase: "waiting", problem: null });
    void this.#keep.change(id, { paused: false }).catch(() => undefined);
    this.#next();
  }

  /** Ends an upload here and on the server, or takes one that ended off the list. */
  cancel(id: string): void {
    const work = this.#work.get(id);
    const over = this.#find(id)?.phase === "done";
    const begun = Boolean(work?.url) && !over;
    if (work) void this.#end(id, work, begun);
    this.#drop(id);
    this.#items = this.#items.filter((item) => item.id !== id);
    this.#tell();
    this.#next();
  }

  /** Takes everything that ended off the list. */
  clear(): void {
    const over = new Set<Phase>(["done", "refused"]);
    this.#items = this.#items.filter((item) => !over.has(item.phase));
    this.#tell();
  }

  /** Whether leaving the page now would lose something that a reload cannot bring back. */
  get atStake(): boolean {
    return this.#items.some(
      ({ id, phase }) => (phase === "sending" || phase === "waiting") && !this.#work.get(id)?.kept,
    );
  }

  async #take(file: File): Promise<void> {
    const id = newKey();
    const work: Work = { file, url: null, kept: false, speed: new Speed(), sending: null };
    this.#work.set(id, work);
    takeInHand(id, async () => undefined);
    this.#show({ ...shownOf(id, file), phase: "waiting" });
    const kept = { id, file, url: null, paused: false, addedAt: Date.now() };
    work.kept = await this.#keep.put(kept).then(
      () => true,
      () => false, // no room: it goes on as long as the page is open
    );
  }

  /** Takes up what is kept, unless another window ended it meanwhile. */
  async #revive(id: string): Promise<void> {
    const kept = await this.#keep.get(id).catch(() => undefined);
    if (!kept || this.#work.has(id)) return;
    const { file, url, paused } = kept;
    this.#work.set(id, { file, url, kept: true, speed: new Speed(), sending: null });
    this.#show({ ...shownOf(id, file), phase: paused ? "paused" : "waiting" });
    this.#next();
  }

  #next(): void {
    const busy = this.#items.filter(({ phase }) => phase === "sending").length;
    const waiting = this.#items.filter(({ phase }) => phase === "waiting");
    for (const { id } of waiting.slice(0, Math.max(0, AT_ONCE - busy))) void this.#start(id);
  }

  async #start(id: string): Promise<void> {
    const work = this.#work.get(id);
    if (!work) return;
    this.#change(id, { phase: "sending" });
    const sending = await this.#sending(id, work).catch(Problem.of);
    if (work.sending || this.#find(id)?.phase !== "sending") return; // it was paused meanwhile
    if (sending instanceof Problem) return this.#failed(id, sending);
    work.sending = sending;
    sending.start();
  }

  async #end(id: string, work: Work, begun: boolean): Promise<void> {
    const sending = work.sending ?? (begun ? await this.#sending(id, work) : null);
    await sending?.abort(begun).catch(() => undefined); // what is left there expires in a day
  }

  #sending(id: string, work: Work): Promise<Upload> {
    return this.#send({
      file: work.file,
      url: work.url,
      onBegun: (url) => {
        work.url = url;
        void this.#keep.change(id, { url }).catch(() => undefined);
      },
      onProgress: (sent) =>
        this.#change(id, { sent, speed: work.speed.after(sent, performance.now()) }),
      onDone: (assetId) => this.#done(id, assetId),
      onFailed: (problem) => void this.#failed(id, problem),
    });
  }

  #done(id: string, assetId: string | null): void {
    const size = this.#work.get(id)?.file.size ?? 0;
    this.#change(id, { phase: "done", sent: size, assetId });
    this.#drop(id);
    this.#next();
  }

  async #failed(id: string, problem: Problem): Promise<void> {
    const lapsed = problem.status === 401 || problem.code === "csrf_token_missing";
    if (lapsed) {
      await session.renewed();
      this.resume(id);
      return;
    }
    const final = problem.status >= 400 && problem.status < 500 && problem.status !== 429;
    this.#change(id, { phase: final ? "refused" : "failed", problem, speed: 0 });
    if (final) this.#drop(id);
    this.#next();
  }

  #find(id: string): Item | undefined {
    return this.#items.find((item) => item.id === id);
  }

  #drop(id: string): void {
    this.#work.delete(id);
    void this.#keep.forget(id).catch(() => undefined);
  }

  #show(item: Item): void {
    this.#items = [...this.#items, item];
    this.#tell();
  }

  #change(id: string, change: Partial<Item>): void {
    this.#items = this.#items.map((item) => (item.id === id ? { ...item, ...change } : item));
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}

function shownOf(id: string, { name, size }: File): Omit<Item, "phase"> {
  return { id, name, size, ...NOT_STARTED };
}

/** What speaks tus comes with the first upload: most pages are opened to look. */
async function load(sending: Sending): Promise<Upload> {
  return (await import("./sending")).sendingOf(sending);
}

/** The largest upload the server takes; null if it does not say. */
async function largest(): Promise<number | null> {
  try {
    const answer = await fetch("/api/admin/uploads", { method: "OPTIONS" });
    return Number(answer.headers.get("Tus-Max-Size")) || null;
  } catch {
    return null;
  }
}

export const uploads = new Uploads();
