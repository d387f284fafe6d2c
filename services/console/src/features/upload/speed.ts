const WINDOW_MS = 4_000;

/** How fast bytes go out, over the last seconds: steady enough to tell the time left by. */
export class Speed {
  #samples: { at: number; sent: number }[] = [];

  /** Bytes a second after `sent` bytes in all have gone out at `at` (ms). */
  after(sent: number, at: number): number {
    this.#samples = [
      ...this.#samples.filter((sample) => at - sample.at <= WINDOW_MS),
      { at, sent },
    ];
    const first = this.#samples[0];
    if (!first || at === first.at) return 0;
    return Math.max(0, ((sent - first.sent) * 1000) / (at - first.at));
  }

  /** Forgets: after a pause the old pace means nothing. */
  reset(): void {
    this.#samples = [];
  }
}

/** Seconds that the rest will take; null while nobody can tell. */
export function secondsLeft(size: number, sent: number, speed: number): number | null {
  return speed > 0 ? Math.ceil((size - sent) / speed) : null;
}
