import { expect, it } from "vitest";
import { ago, bytes, duration } from "./format";

const at = (time: string) => new Date(time).getTime();

it("says how long ago it was, and from yesterday on when", () => {
  const now = at("2026-11-20T12:00:00");
  const said = (time: string) => ago(new Date(time).toISOString(), now);
  expect(said("2026-11-20T12:00:05")).toBe("now");
  expect(said("2026-11-20T11:58:30")).toBe("1 minute ago");
  expect(said("2026-11-20T03:30:00")).toBe("8 hours ago");
  expect(said("2026-11-19T23:30:00")).toMatch(/^yesterday, 11:30\sPM$/);
  expect(said("2026-11-17T09:05:00")).toMatch(/^3 days ago, 9:05\sAM$/);
  expect(said("2026-11-01T09:05:00")).toBe("Nov 1, 2026");
});

it("says sizes and lengths as people do", () => {
  expect(bytes(0)).toBe("0 bytes");
  expect(bytes(1_300_000)).toBe("1.2 MB");
  expect(duration(65.4)).toBe("1:05");
  expect(duration(3_723)).toBe("1:02:03");
});
