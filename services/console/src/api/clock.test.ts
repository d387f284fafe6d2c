import { expect, it } from "vitest";
import { ServerClock } from "./clock";

const T = Date.parse("2026-11-20T12:00:00Z");

it("counts down by the server's clock, however wrong ours is", () => {
  let ours = T + 3_600_000;
  const clock = new ServerClock(() => ours);
  clock.observe({ server_time: "2026-11-20T12:00:00Z" }, ours);
  expect(clock.secondsUntil("2026-11-20T12:00:30Z")).toBe(30);
  ours += 29_500;
  expect(clock.secondsUntil("2026-11-20T12:00:30Z")).toBe(1);
  ours += 10_000;
  expect(clock.secondsUntil("2026-11-20T12:00:30Z")).toBe(0);
});

it("takes half of the way for each direction", () => {
  const clock = new ServerClock(() => T + 400);
  clock.observe({ server_time: "2026-11-20T12:00:10.200Z" }, T);
  expect(clock.now()).toBe(T + 10_400);
});

it("learns nothing from answers that tell no time", () => {
  const clock = new ServerClock(() => T);
  for (const answer of [null, "x", {}, { server_time: "soon" }]) clock.observe(answer, T);
  expect(clock.now()).toBe(T);
});
