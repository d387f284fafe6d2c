import { describe, expect, it } from "vitest";
import { asQuery, readFilters } from "./filters";
import { exportUrl } from "./queries";

const ADA = "01a1faf5-ddf3-7694-9c17-c28306d032dc";

describe("the filters of the audit page", () => {
  it("come from the address, without what makes no sense", () => {
    const search = {
      user: ADA,
      asset: "x",
      by: 7,
      action: "undone",
      from: "2026-11-20",
      to: "now",
    };
    expect(readFilters(search)).toEqual({ user: ADA, action: "undone", from: "2026-11-20" });
    expect(readFilters({ action: "made_up", from: "2026-13-45" })).toEqual({});
  });

  it("take in the whole of the last day", () => {
    const { from, to } = asQuery({ from: "2026-11-20", to: "2026-11-20" });
    const hours = (Date.parse(to ?? "") - Date.parse(from ?? "")) / 3_600_000;
    expect(hours).toBeCloseTo(24, 2);
  });

  it("hold for the export too", () => {
    const url = new URL(exportUrl({ user: ADA, action: "undone" }, "csv"), "http://here");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      format: "csv",
      user_id: ADA,
      action: "undone",
    });
  });
});
