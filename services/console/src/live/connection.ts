import type { LiveEvent } from "./events";

export type LiveState = "connecting" | "live" | "reconnecting" | "polling";

/** What the connection needs of the world around it, so that tests can give it another. */
export interface Surroundings {
  open: () => WebSocket;
  poll: (since: number, epoch: string | null) => Promise<Polled>;
  onEvent: (event: LiveEvent) => void;
  /** Something may have been missed: load afresh what is shown. */
  onGap: () => void;
  /** The session ended: find out whether anybody is signed in. */
  onExpired: () => Promise<void>;
}

export interface Polled {
  epoch: string;
  offset: number;
  events: LiveEvent[];
  recovered: boolean;
}

const FIRST_DELAY = 400;
const LONGEST_DELAY = 10_000;
const SILENT_TRIES = 4;
const POLL_EVERY = 2_000;
const PAGE = 500;
const EXPIRED = 4001;
const SILENT = 1006;
const PROBE_EVERY = 25_000;
const LONGEST_SILENCE = 6_000;
const TOPICS = ["assets", "operations"];

/**
 * One WebSocket for the whole page. It reconnects by itself and asks for what it missed; where
 * sockets do not get through at all, it polls, and goes on trying.
 */
export class LiveConnection {
  #state: LiveState = "connecting";
  #socket: WebSocket | null = null;
  #offset: number | null = null;
  #epoch: string | null = null;
  #failures = 0;
  #stopped = true;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #poller: ReturnType<typeof setTimeout> | undefined;
  #prober: ReturnType<typeof setInterval> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #hello = 0;
  readonly #listeners = new Set<() => void>();
  readonly #around: Surroundings;

  constructor(around: Surroundings) {
    this.#around = around;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): LiveState => this.#state;

  start(): void {
    this.#stopped = false;
    this.#connect();
    this.#keepProbing();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#poller);
    clearTimeout(this.#silence);
    clearInterval(this.#prober);
    this.#poller = undefined;
    this.#silence = undefined;
    this.#socket?.close(1000);
    this.#socket = null;
  }

  /** Try now: the network came back, or the person looks at the page again. */
  hurry(): void {
    if (this.#stopped) return;
    if (this.#socket) {
      this.#probe(this.#socket);
      return;
    }
    clearTimeout(this.#timer);
    this.#connect();
  }

  /** Asks for a sign of life: a line that was cut without a word looks open for minutes. */
  #probe(socket: WebSocket): void {
    if (this.#state !== "live" || this.#silence) return;
    socket.send(JSON.stringify({ action: "subscribe", topics: TOPICS.slice(0, 1) }));
    this.#silence = setTimeout(() => {
      this.#silence = undefined;
      socket.close();
      void this.#closed(socket, SILENT);
    }, LONGEST_SILENCE);
  }

  #keepProbing(): void {
    clearInterval(this.#prober);
    this.#prober = setInterval(() => this.#socket && this.#probe(this.#socket), PROBE_EVERY);
  }

  #connect(): void {
    const socket = this.#around.open();
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#heard(socket, JSON.parse(String(data)));
    socket.onclose = ({ code }) => void this.#closed(socket, code);
  }

  #heard(socket: WebSocket, message: Frame): void {
    if (socket !== this.#socket) return;
    clearTimeout(this.#silence);
    this.#silence = undefined;
    if (message.type === "hello") {
      const since = this.#offset === null ? {} : { since: this.#offset, epoch: this.#epoch };
      this.#epoch = message.epoch;
      if (this.#offset === null) this.#offset = message.offset;
      socket.send(JSON.stringify({ action: "subscribe", topics: TOPICS, ...since }));
      this.#hello = message.offset;
    } else if (message.type === "subscribed") {
      this.#subscribed(message.recovered);
    } else if ("data" in message) {
      this.#told(message);
    }
  }

  #subscribed(recovered: boolean): void {
    const first = this.#state === "connecting";
    this.#failures = 0;
    clearTimeout(this.#poller);
    this.#poller = undefined;
    if (this.#state === "live") return;
    this.#become("live");
    if (recovered && !first) return;
    this.#offset = this.#hello;
    this.#around.onGap();
  }

  #told(event: LiveEvent): void {
    if (event.offset !== undefined) {
      if (this.#offset !== null && event.offset <= this.#offset) return;
      this.#offset = event.offset;
    }
    this.#around.onEvent(event);
  }

  async #closed(socket: WebSocket, code: number): Promise<void> {
    if (socket !== this.#socket) return;
    this.#socket = null;
    clearTimeout(this.#silence);
    this.#silence = undefined;
    if (this.#stopped) return;
    this.#failures += 1;
    if (this.#state !== "polling") this.#become("reconnecting");
    if (code === EXPIRED) await this.#around.onExpired();
    if (this.#stopped) return;
    if (this.#failures >= SILENT_TRIES && !this.#poller) void this.#poll();
    const delay = Math.min(FIRST_DELAY * 2 ** (this.#failures - 1), LONGEST_DELAY);
    this.#timer = setTimeout(() => this.#connect(), delay * (0.75 + Math.random() / 2));
  }

  async #poll(): Promise<void> {
    this.#poller = setTimeout(() => undefined, POLL_EVERY);
    const mine = this.#poller;
    try {
      const page = await this.#around.poll(this.#offset ?? 0, this.#epoch);
      if (this.#poller !== mine || this.#stopped) return;
      this.#pageTold(page);
      this.#poller = setTimeout(
        () => void this.#poll(),
        page.events.length >= PAGE ? 0 : POLL_EVERY,
      );
    } catch {
      if (this.#poller !== mine || this.#stopped) return;
      this.#become("reconnecting");
      this.#poller = setTimeout(() => void this.#poll(), POLL_EVERY * 2);
    }
  }

  #pageTold(page: Polled): void {
    const knew = this.#offset !== null && this.#epoch === page.epoch && page.recovered;
    this.#epoch = page.epoch;
    this.#become("polling");
    if (knew) for (const event of page.events) this.#told(event);
    else this.#around.onGap();
    this.#offset = page.offset;
  }

  #become(state: LiveState): void {
    if (this.#state === state) return;
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

type Frame =
  | { type: "hello"; epoch: string; offset: number; recovered: boolean }
  | { type: "subscribed"; topics: string[]; recovered: boolean }
  | LiveEvent;
