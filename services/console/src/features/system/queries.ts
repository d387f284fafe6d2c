import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, ask } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type System = Schemas["SystemView"];
export type Service = Schemas["ServiceView"];
export type Queue = Schemas["QueueView"];
export type Parked = Schemas["ParkedView"];

const EVERY_MS = 5_000;

/** How everything is; asked for again and again, since nothing tells of it. */
export function systemQuery() {
  return queryOptions({
    queryKey: ["system", "state"] as const,
    queryFn: ({ signal }) => ask(api.GET("/api/admin/system", { signal })),
    refetchInterval: EVERY_MS,
    staleTime: 0,
  });
}

/** The messages that nobody could work off, newest first. */
export function parkedQuery() {
  return infiniteQueryOptions({
    queryKey: ["system", "parked"] as const,
    queryFn: ({ pageParam, signal }) =>
      ask(
        api.GET("/api/admin/parked", {
          params: { query: { limit: 50, ...(pageParam && { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: EVERY_MS,
  });
}

/** One of them, with what it says. */
export function parkedOneQuery(id: string) {
  return queryOptions({
    queryKey: ["system", "parked-one", id] as const,
    queryFn: ({ signal }) =>
      ask(
        api.GET("/api/admin/parked/{parked_id}", { params: { path: { parked_id: id } }, signal }),
      ),
  });
}

/** Give a parked message to its queue again. */
export function useReplay() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (id: string) =>
      ask(
        api.POST("/api/admin/parked/{parked_id}/replay", { params: { path: { parked_id: id } } }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: ["system"] }),
  });
}
