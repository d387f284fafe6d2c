import { describe, expect, it } from "vitest";
import { newQueryClient } from "@/api/query";
import { anAsset } from "@/testing/assets";
import { changeAsset, patchAsset, placed } from "./cache";
import type { AssetsData } from "./queries";

const at = (minute: number) => `2026-11-20T12:${String(minute).padStart(2, "0")}:00.000000Z`;

function listed(...pages: [string, number][][]): AssetsData {
  return {
    pages: pages.map((page, number) => ({
      items: page.map(([id, minute]) => anAsset({ id, created_at: at(minute) })),
      next_cursor: number < pages.length - 1 ? "more" : null,
    })),
    pageParams: pages.map(() => undefined),
  };
}

const ids = (data: AssetsData) => data.pages.map((page) => page.items.map(({ id }) => id));

describe("a list that follows what happens", () => {
  const list = listed(
    [
      ["c", 30],
      ["b", 20],
    ],
    [["a", 10]],
  );

  it("shows a new asset first", () => {
    const asset = anAsset({ id: "d", created_at: at(40) });
    expect(ids(placed(list, asset, {}))).toEqual([["d", "c", "b"], ["a"]]);
  });

  it("puts an asset that comes late where its age belongs", () => {
    const asset = anAsset({ id: "x", created_at: at(15) });
    expect(ids(placed(list, asset, {}))).toEqual([
      ["c", "b"],
      ["x", "a"],
    ]);
  });

  it("leaves to its page what was not loaded yet", () => {
    const unfinished: AssetsData = {
      ...list,
      pages: list.pages.map((page) => ({ ...page, next_cursor: "more" })),
    };
    const asset = anAsset({ id: "x", created_at: at(1) });
    expect(ids(placed(unfinished, asset, {}))).toEqual([["c", "b"], ["a"]]);
  });

  it("loses an asset that its filters do not let in any more", () => {
    const done = anAsset({ id: "b", conversion_status: "completed" });
    expect(ids(placed(list, done, { status: "processing" }))).toEqual([["c"], ["a"]]);
  });

  it("is the same object when nothing of it changed", () => {
    const other = anAsset({ id: "x", conversion_status: "failed" });
    expect(placed(list, other, { status: "completed" })).toBe(list);
  });
});

it("changes an asset on every list and by itself", () => {
  const queries = newQueryClient();
  queries.setQueryData(["assets", "list", {}], listed([["a", 10]]));
  patchAsset(queries, anAsset({ id: "a", created_at: at(10) }));
  changeAsset(queries, "a", (asset) => ({ ...asset, title: "Borealis" }));
  const list = queries.getQueryData<AssetsData>(["assets", "list", {}]);
  expect(list?.pages[0]?.items[0]?.title).toBe("Borealis");
  expect(queries.getQueryData(["assets", "one", "a"])).toMatchObject({ title: "Borealis" });
});
