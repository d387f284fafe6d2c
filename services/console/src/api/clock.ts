import { useEffect, useState, useSyncExternalStore } from "react";

const SECOND = 1000;

/**
 * The server's clock, as its answers tell it: countdowns follow it, never the clock of this
 * machine, which may be wrong by minutes.
 */
class ServerClock {
  #offset = 0;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Learns from the `server_time` of an answer to what was asked at `asked` (ms, our clock). */
  observe(answer: unknown, asked: number): void {
    const told = Date.parse(String(toldTime(answer)));
    if (Number.isNaN(told)) return;
    this.#offset = told - (asked + this.#now()) / 2;
  }

  /** Now, in milliseconds since 1970. */
  now(): number {
    return this.#now() + this.#offset;
  }

  /** Whole seconds until a moment, rounded up; 0 once it is over. */
  secondsUntil(moment: string): number {
    return Math.max(0, Math.ceil((Date.parse(moment) - this.now()) / SECOND));
  }
}

/** The time an answer tells: its own, that of the one thing in it, or of the first in a list. */
function toldTime(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null) return undefined;
  if ("server_time" in answer) return answer.server_time;
  if ("assignment" in answer) return toldTime(answer.assignment);
  if ("items" in answer && Array.isArray(answer.items)) return toldTime(answer.items[0]);
  return undefined;
}

export const clock = new ServerClock();
export { ServerClock };

/** Seconds that are left until a moment by the server's clock; null if there is none. */
export function useCountdown(until: string | null | undefined): number | null {
  const left = () => (until ? clock.secondsUntil(until) : null);
  const [seconds, setSeconds] = useState(left);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `left` depends on `until` alone
  useEffect(() => {
    setSeconds(left());
    if (!until) return;
    const timer = setInterval(() => {
      setSeconds(left());
      if (left() === 0) clearInterval(timer);
    }, SECOND / 4);
    return () => clearInterval(timer);
  }, [until]);
  return seconds;
}

const TICK = 10 * SECOND;
const waiting = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | undefined;

function onTick(listener: () => void): () => void {
  waiting.add(listener);
  ticking ??= setInterval(() => {
    for (const tell of waiting) tell();
  }, SECOND);
  return () => {
    waiting.delete(listener);
    if (waiting.size > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  };
}

/** Now by the server's clock, to ten seconds and the same for all who ask: for "3 minutes ago". */
export function useNow(): number {
  return useSyncExternalStore(onTick, () => Math.floor(clock.now() / TICK) * TICK);
}
