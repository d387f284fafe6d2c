import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, ask } from "@/api/client";
import type { components } from "@/api/schema";

export type Operation = components["schemas"]["OperationView"];

/** What came of taking an operation back; who has nothing again has no `asset_id`. */
export interface TakenBack {
  restored: { user_id: string; asset_id?: string | null }[];
  skipped: { user_id: string; reason: string }[];
}

/** The two ways back: while the window is open, and ever after. */
export type WayBack = "undo" | "revert";

const PAGE = 50;

/** What was done lately, newest first. */
export function operationsQuery() {
  return infiniteQueryOptions({
    queryKey: ["operations", "list"] as const,
    queryFn: ({ pageParam, signal }) =>
      ask(
        api.GET("/api/admin/operations", {
          params: { query: { limit: PAGE, ...(pageParam && { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
}

/** One operation, with what failed in it. */
export function operationQuery(id: string) {
  return queryOptions({
    queryKey: ["operations", "one", id] as const,
    queryFn: ({ signal }) =>
      ask(
        api.GET("/api/admin/operations/{operation_id}", {
          params: { path: { operation_id: id } },
          signal,
        }),
      ),
  });
}

/** What taking an operation back would come to now. */
export function planQuery(id: string, way: WayBack) {
  return queryOptions({
    queryKey: ["operations", "plan", way, id] as const,
    queryFn: () => takeBack(id, way, { dryRun: true }),
    staleTime: 0,
    gcTime: 0,
  });
}

interface Terms {
  dryRun?: boolean;
  reason?: string;
}

function takeBack(id: string, way: WayBack, { dryRun = false, reason }: Terms): Promise<TakenBack> {
  const params = { path: { operation_id: id }, query: { dry_run: dryRun } };
  if (way === "undo") {
    return ask(api.POST("/api/admin/operations/{operation_id}/undo", { params }));
  }
  const body = { reason: reason?.trim() || null };
  return ask(api.POST("/api/admin/operations/{operation_id}/revert", { params, body }));
}

/** Take an operation back, for everybody who still has what it gave. */
export function useTakeBack(id: string, way: WayBack) {
  const queries = useQueryClient();
  return useMutation({
    mutationKey: ["operations", "take-back", id],
    mutationFn: (reason?: string) => takeBack(id, way, reason ? { reason } : {}),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["operations"] });
      void queries.invalidateQueries({ queryKey: ["users"] });
    },
  });
}

/** Try a bulk assignment again that failed. */
export function useRetryBulk() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      ask(
        api.POST("/api/admin/operations/{operation_id}/retry", {
          params: { path: { operation_id: id } },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["operations"] }),
  });
}
