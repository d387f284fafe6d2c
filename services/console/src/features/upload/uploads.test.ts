import type { Upload } from "tus-js-client";
import { beforeEach, expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import type { Keep, Kept } from "./keep";
import { type Sending, titleOf } from "./sending";
import { Speed, secondsLeft } from "./speed";
import { Uploads } from "./uploads";

const VIDEO = new Uint8Array([0, 0, 0, 24, 0x66, 0x74, 0x79, 0x70, 1, 2, 3, 4]);

class Memory {
  kept = new Map<string, Kept>();
  all = async () => [...this.kept.values()];
  get = async (id: string) => this.kept.get(id);
  put = async (one: Kept) => void this.kept.set(one.id, one);
  change = async (id: string, change: Partial<Kept>) => {
    const before = this.kept.get(id);
    if (before) this.kept.set(id, { ...before, ...change });
  };
  forget = async (id: string) => void this.kept.delete(id);
}

let memory: Memory;
let sent: (Sending & { started: boolean; aborted: boolean | null })[];

async function send(sending: Sending): Promise<Upload> {
  const one = { ...sending, started: false, aborted: null as boolean | null };
  sent.push(one);
  return {
    start: () => {
      one.started = true;
    },
    abort: async (terminate = false) => {
      one.aborted = terminate;
    },
  } as unknown as Upload;
}

const video = (name: string) => new File([VIDEO], name);
const opened = () => new Uploads(memory as unknown as Keep, send);
const phases = (uploads: Uploads) => uploads.items().map(({ phase }) => phase);

beforeEach(() => {
  memory = new Memory();
  sent = [];
  vi.stubGlobal("fetch", async () => new Response(null, { headers: { "Tus-Max-Size": "100" } }));
  return () => vi.unstubAllGlobals();
});

it("sends two at a time, the next when one is done", async () => {
  const uploads = opened();
  await uploads.add(["a.mp4", "b.mp4", "c.mp4"].map(video));
  await vi.waitFor(() => expect(sent.filter(({ started }) => started)).toHaveLength(2));
  expect(phases(uploads)).toEqual(["sending", "sending", "waiting"]);
  sent[0]?.onDone("asset-1");
  await vi.waitFor(() => expect(phases(uploads)).toEqual(["done", "sending", "sending"]));
  expect(uploads.items()[0]).toMatchObject({ assetId: "asset-1", sent: VIDEO.length });
});

it("goes on after a reload where it was, but for what was paused", async () => {
  const before = opened();
  await before.add([video("a.mp4"), video("b.mp4")]);
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  sent[0]?.onBegun("/api/admin/uploads/1");
  before.pause(before.items()[1]?.id ?? "");
  await vi.waitFor(() => expect([...memory.kept.values()][1]?.paused).toBe(true));
  const after = opened();
  await after.restore();
  await vi.waitFor(() => expect(sent).toHaveLength(3));
  expect(sent[2]?.url).toBe("/api/admin/uploads/1");
  expect(phases(after)).toEqual(["sending", "paused"]);
});

it("forgets what is done, cancelled or refused for good", async () => {
  const uploads = opened();
  await uploads.add([video("a.mp4"), video("b.mp4")]);
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  sent[0]?.onBegun("/api/admin/uploads/1");
  uploads.cancel(uploads.items()[0]?.id ?? "");
  expect(sent[0]?.aborted).toBe(true);
  sent[1]?.onFailed(new Problem(415, { code: "no_video", detail: "There is no video in it." }));
  await vi.waitFor(() => expect(phases(uploads)).toEqual(["refused"]));
  expect(memory.kept.size).toBe(0);
});

it("keeps what failed for want of a connection, to be tried again", async () => {
  const uploads = opened();
  await uploads.add([video("a.mp4")]);
  await vi.waitFor(() => expect(sent).toHaveLength(1));
  sent[0]?.onFailed(new Problem(0, { code: "offline" }));
  await vi.waitFor(() => expect(phases(uploads)).toEqual(["failed"]));
  uploads.resume(uploads.items()[0]?.id ?? "");
  await vi.waitFor(() => expect(phases(uploads)).toEqual(["sending"]));
  expect(memory.kept.size).toBe(1);
});

it("refuses here what the server would not take", async () => {
  const uploads = opened();
  const files = [new File([], "empty.mp4"), new File(["notes, no video"], "notes.txt")];
  await uploads.add([...files, new File([VIDEO, "x".repeat(100)], "large.mp4")]);
  const objections = uploads.items().map(({ objection }) => objection);
  expect(objections).toEqual(["empty", "notVideo", "tooLarge"]);
  expect(sent).toHaveLength(0);
});

it("tells the pace of the last seconds, and the time that is left", () => {
  const speed = new Speed();
  expect(speed.after(0, 0)).toBe(0);
  expect(speed.after(1_000, 1_000)).toBe(1_000);
  expect(speed.after(9_000, 5_000)).toBe(2_000);
  expect(secondsLeft(10_000, 4_000, 2_000)).toBe(3);
  expect(secondsLeft(10_000, 4_000, 0)).toBeNull();
});

it("makes a title of a file's name", () => {
  expect(titleOf("night_drive__2.final.mp4")).toBe("night drive 2.final");
  expect(titleOf(".mp4")).toBe(".mp4");
});
