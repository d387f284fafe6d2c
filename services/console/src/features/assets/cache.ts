import type { QueryClient } from "@tanstack/react-query";
import type { Asset } from "@/api/client";
import { type Filters, matches } from "./filters";
import type { AssetsData } from "./queries";

type Change = (asset: Asset) => Asset;

/** Puts an asset as it is now wherever it is shown, and takes it off lists it left. */
export function patchAsset(queries: QueryClient, asset: Asset): void {
  queries.setQueryData(["assets", "one", asset.id], asset);
  for (const [key, data] of lists(queries)) {
    queries.setQueryData(key, placed(data, asset, key[2] as Filters));
  }
}

/** Changes an asset wherever it is known; says whether it was. */
export function changeAsset(queries: QueryClient, id: string, change: Change): boolean {
  const known = findAsset(queries, id);
  if (known) patchAsset(queries, change(known));
  return known !== undefined;
}

/** An asset as far as anything shown knows it. */
function findAsset(queries: QueryClient, id: string): Asset | undefined {
  const one = queries.getQueryData<Asset>(["assets", "one", id]);
  if (one) return one;
  for (const [, data] of lists(queries)) {
    for (const page of data.pages) {
      const found = page.items.find((item) => item.id === id);
      if (found) return found;
    }
  }
  return undefined;
}

function lists(queries: QueryClient): [readonly unknown[], AssetsData][] {
  return queries
    .getQueriesData<AssetsData>({ queryKey: ["assets", "list"] })
    .filter((entry): entry is [readonly unknown[], AssetsData] => entry[1] !== undefined);
}

/** A list with the asset where it belongs: newest first, and only where its filters let it in. */
export function placed(data: AssetsData, asset: Asset, filters: Filters): AssetsData {
  const belongs = matches(asset, filters);
  let there = false;
  const pages = data.pages.map((page) => {
    const index = page.items.findIndex((item) => item.id === asset.id);
    if (index < 0) return page;
    there = true;
    const items = belongs ? page.items.with(index, asset) : page.items.toSpliced(index, 1);
    return { ...page, items };
  });
  if (there || !belongs) return there ? { ...data, pages } : data;
  return inserted(data, asset);
}

function inserted(data: AssetsData, asset: Asset): AssetsData {
  for (const [number, page] of data.pages.entries()) {
    const at = page.items.findIndex((item) => older(item, asset));
    const last = number === data.pages.length - 1;
    if (at < 0 && (!last || page.next_cursor)) continue; // it comes with a page not loaded yet
    const items = page.items.toSpliced(at < 0 ? page.items.length : at, 0, asset);
    return { ...data, pages: data.pages.with(number, { ...page, items }) };
  }
  return data;
}

function older(one: Asset, other: Asset): boolean {
  return (
    one.created_at < other.created_at || (one.created_at === other.created_at && one.id < other.id)
  );
}
