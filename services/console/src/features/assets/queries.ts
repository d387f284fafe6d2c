import {
  type InfiniteData,
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { type Asset, api, ask } from "@/api/client";
import { patchAsset } from "./cache";
import type { Filters } from "./filters";

const PAGE = 60;
const HOLDERS = 8;

interface AssetsPageData {
  items: Asset[];
  next_cursor?: string | null;
}
export type AssetsData = InfiniteData<AssetsPageData, string | undefined>;

/** The assets under some filters, newest first, a page at a time. */
export function assetsQuery(filters: Filters) {
  return infiniteQueryOptions({
    queryKey: ["assets", "list", filters] as const,
    queryFn: ({ pageParam, signal }): Promise<AssetsPageData> =>
      ask(
        api.GET("/api/admin/assets", {
          params: { query: { ...filters, limit: PAGE, ...(pageParam && { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
}

/** One asset; a deleted one too. */
export function assetQuery(id: string) {
  return queryOptions({
    queryKey: ["assets", "one", id] as const,
    queryFn: ({ signal }) =>
      ask(
        api.GET("/api/admin/assets/{asset_id}", {
          params: { path: { asset_id: id }, query: { deleted: true } },
          signal,
        }),
      ),
  });
}

/** Who has an asset now, as many as fit a sidebar, and whether there are more. */
export function holdersQuery(id: string) {
  return queryOptions({
    queryKey: ["assets", "holders", id] as const,
    queryFn: ({ signal }) =>
      ask(
        api.GET("/api/admin/assignments", {
          params: { query: { asset_id: id, limit: HOLDERS } },
          signal,
        }),
      ),
  });
}

/** How far a conversion is right now; only live events know. */
export function progressKey(id: string) {
  return ["assets", "progress", id] as const;
}

export interface Progress {
  percent: number;
  stage: string;
}

/** Convert again what failed. */
export function useRetry() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      ask(
        api.POST("/api/admin/assets/{asset_id}/retry-conversion", {
          params: { path: { asset_id: id } },
        }),
      ),
    onSuccess: (asset) => patchAsset(queries, asset),
  });
}

/** End a conversion that waits or runs. */
export function useCancel() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      ask(
        api.POST("/api/admin/assets/{asset_id}/cancel-conversion", {
          params: { path: { asset_id: id } },
        }),
      ),
    onSuccess: (asset) => patchAsset(queries, asset),
  });
}

/** Bring a deleted asset back, with all its files. */
export function useRestore() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      ask(api.POST("/api/admin/assets/{asset_id}/restore", { params: { path: { asset_id: id } } })),
    onSuccess: (asset) => patchAsset(queries, asset),
  });
}

/** Delete an asset that nobody has; it can still be looked at among the deleted ones. */
export function useDelete() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (asset: Asset) =>
      ask(api.DELETE("/api/admin/assets/{asset_id}", { params: { path: { asset_id: asset.id } } })),
    onSuccess: (_, asset) =>
      patchAsset(queries, { ...asset, deleted_at: new Date().toISOString() }),
  });
}
