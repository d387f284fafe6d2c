import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, ask } from "@/api/client";
import type { components } from "@/api/schema";
import { asQuery, type Filters } from "./filters";

export type Entry = components["schemas"]["HistoryEntry"];
export type Verified = components["schemas"]["Verified"];

const PAGE = 100;

/** The entries under some filters, newest first. */
export function trailQuery(filters: Filters) {
  return infiniteQueryOptions({
    queryKey: ["audit", "trail", filters] as const,
    queryFn: ({ pageParam, signal }) =>
      ask(
        api.GET("/api/admin/audit", {
          params: {
            query: {
              ...asQuery(filters),
              order: "desc",
              limit: PAGE,
              ...(pageParam && { cursor: pageParam }),
            },
          },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
}

/** The newest entry under some filters: live events have it asked for again. */
export function newestQuery(filters: Filters) {
  return queryOptions({
    queryKey: ["audit", "newest", filters] as const,
    queryFn: async ({ signal }) => {
      const query = { ...asQuery(filters), order: "desc" as const, limit: 1 };
      const page = await ask(api.GET("/api/admin/audit", { params: { query }, signal }));
      return page.items[0]?.seq ?? 0;
    },
  });
}

/** Whether the whole trail is what was once written. */
export function verifyQuery() {
  return queryOptions({
    queryKey: ["audit", "verified"] as const,
    queryFn: async ({ signal }) => {
      const verified = await ask(api.GET("/api/admin/audit/verify", { signal }));
      return { ...verified, at: new Date().toISOString() };
    },
    staleTime: 5 * 60_000,
    refetchOnReconnect: false,
  });
}

/** Where all entries under some filters can be downloaded. */
export function exportUrl(filters: Filters, format: "jsonl" | "csv"): string {
  return `/api/admin/audit/export?${new URLSearchParams({ format, ...asQuery(filters) })}`;
}
