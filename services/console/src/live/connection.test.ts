import { beforeEach, describe, expect, it, vi } from "vitest";
import { LiveConnection, type Polled } from "./connection";
import type { LiveEvent } from "./events";

class FakeSocket {
  said: Record<string, unknown>[] = [];
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  send(text: string): void {
    this.said.push(JSON.parse(text));
  }

  close(): void {}

  hear(message: unknown): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }

  greet(offset: number, recovered: boolean, epoch = "e1"): void {
    this.hear({ type: "hello", epoch, offset, recovered });
    this.hear({ type: "subscribed", topics: [], recovered });
  }

  end(code: number): void {
    this.onclose?.({ code });
  }
}

const told = (offset: number): LiveEvent => ({
  type: "converter.asset.deleted",
  data: { asset_id: String(offset) },
  offset,
  time: "",
});

const page = (offset: number, events: LiveEvent[], recovered = true): Polled => ({
  epoch: "e1",
  offset,
  events,
  recovered,
});

let sockets: FakeSocket[];
const around = {
  open: () => {
    const socket = new FakeSocket();
    sockets.push(socket);
    return socket as unknown as WebSocket;
  },
  poll: vi.fn<(since: number, epoch: string | null) => Promise<Polled>>(),
  onEvent: vi.fn(),
  onGap: vi.fn(),
  onExpired: vi.fn(async () => undefined),
};
let live: LiveConnection;

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetAllMocks();
  sockets = [];
  live = new LiveConnection(around);
  live.start();
  return () => {
    live.stop();
    vi.useRealTimers();
  };
});

const last = () => sockets.at(-1) as FakeSocket;

async function lose(code = 1001): Promise<void> {
  last().end(code);
  await vi.advanceTimersByTimeAsync(20_000);
}

describe("the live connection", () => {
  it("loads afresh once it listens, since what was loaded before may be old", () => {
    last().greet(7, false);
    expect(live.state()).toBe("live");
    expect(around.onGap).toHaveBeenCalledTimes(1);
  });

  it("asks for what it missed, and loads nothing when it gets it", async () => {
    last().greet(7, false);
    last().hear(told(8));
    await lose();
    expect(live.state()).toBe("reconnecting");
    last().greet(9, true);
    expect(last().said[0]).toMatchObject({ action: "subscribe", since: 8, epoch: "e1" });
    last().hear(told(9));
    expect(around.onEvent).toHaveBeenCalledTimes(2);
    expect(around.onGap).toHaveBeenCalledTimes(1);
    expect(live.state()).toBe("live");
  });

  it("loads afresh after a gap, and goes on from there", async () => {
    last().greet(7, false);
    await lose();
    last().greet(2, false, "e2");
    expect(around.onGap).toHaveBeenCalledTimes(2);
    last().hear(told(3));
    expect(around.onEvent).toHaveBeenCalledTimes(1);
  });

  it("tells nothing twice", () => {
    last().greet(7, false);
    last().hear(told(8));
    last().hear(told(8));
    expect(around.onEvent).toHaveBeenCalledTimes(1);
  });

  it("asks who is signed in when the session ended", async () => {
    last().greet(7, false);
    await lose(4001);
    expect(around.onExpired).toHaveBeenCalledTimes(1);
  });

  it("polls where sockets do not get through, until one does", async () => {
    around.poll.mockResolvedValue(page(5, []));
    for (let count = 0; count < 4; count++) await lose(1006);
    expect(live.state()).toBe("polling");
    around.poll.mockResolvedValueOnce(page(6, [told(6)]));
    await vi.advanceTimersByTimeAsync(4_000);
    expect(around.onEvent).toHaveBeenCalledTimes(1);
    last().greet(6, true);
    expect(live.state()).toBe("live");
    const polled = around.poll.mock.calls.length;
    await vi.advanceTimersByTimeAsync(10_000);
    expect(around.poll.mock.calls.length).toBe(polled);
  });

  it("leaves a line that was cut without a word", async () => {
    last().greet(7, false);
    await vi.advanceTimersByTimeAsync(26_000);
    last().hear({ type: "subscribed", topics: ["assets"], recovered: true });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(sockets).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(15_000);
    expect(sockets.length).toBeGreaterThan(1);
    expect(live.state()).toBe("reconnecting");
  });
});
