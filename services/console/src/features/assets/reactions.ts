import type { QueryClient } from "@tanstack/react-query";
import type { Reactions } from "@/live/events";
import { changeAsset, patchAsset } from "./cache";
import { assetQuery, progressKey } from "./queries";

const TOGETHER_MS = 120;
const MOST_SINGLY = 24;

/** Keeps assets as they are on the server, wherever they are shown. */
export function assetReactions(queries: QueryClient): Reactions {
  const load = loader(queries);
  return {
    "converter.asset.uploaded": ({ asset_id }) => load(asset_id),
    "converter.asset.status_changed": ({ asset_id, status, error, error_code }) => {
      if (status !== "processing") queries.setQueryData(progressKey(asset_id), null);
      changeAsset(queries, asset_id, (asset) => ({
        ...asset,
        conversion_status: status,
        progress: status === "completed" ? 100 : status === "pending" ? 0 : asset.progress,
        conversion_error: status === "failed" ? (error ?? asset.conversion_error) : null,
        conversion_error_code: status === "failed" ? (error_code ?? null) : null,
      }));
      load(asset_id);
    },
    "converter.asset.rendition_ready": ({ asset_id, rendition, url }) => {
      if (url) changeAsset(queries, asset_id, (asset) => ({ ...asset, [`${rendition}_url`]: url }));
      else load(asset_id);
    },
    "converter.asset.progress": ({ asset_id, percent, stage }) => {
      queries.setQueryData(progressKey(asset_id), { percent, stage });
      changeAsset(queries, asset_id, (asset) =>
        asset.conversion_status === "processing" ? { ...asset, progress: percent } : asset,
      );
    },
    "converter.asset.deleted": ({ asset_id }) => load(asset_id),
    "converter.asset.restored": ({ asset_id }) => load(asset_id),
    "assignment.asset.assigned": ({ asset_id }) => load(asset_id),
    "assignment.asset.unassigned": ({ asset_id }) => load(asset_id),
  };
}

/** Loads assets afresh, each once however often it was named within a moment; many as lists. */
function loader(queries: QueryClient): (id: string) => void {
  const wanted = new Set<string>();
  const load = () => {
    const ids = [...wanted];
    wanted.clear();
    if (ids.length > MOST_SINGLY) void queries.invalidateQueries({ queryKey: ["assets"] });
    else for (const id of ids) void loadOne(queries, id);
  };
  return (id) => {
    if (wanted.size === 0) setTimeout(load, TOGETHER_MS);
    wanted.add(id);
  };
}

async function loadOne(queries: QueryClient, id: string): Promise<void> {
  try {
    patchAsset(queries, await queries.fetchQuery({ ...assetQuery(id), staleTime: 0 }));
  } catch {
    await queries.invalidateQueries({ queryKey: ["assets"] });
  }
}
