import {
  infiniteQueryOptions,
  queryOptions,
  useMutation,
  useQueryClient,
} from "@tanstack/react-query";
import { api, ask } from "@/api/client";
import type { components } from "@/api/schema";

export type Holding = components["schemas"]["CurrentAssignment"];
export type HistoryEntry = components["schemas"]["HistoryEntry"];

const PAGE = 100;
const LAST = 10;

/** The people whose name or address has these words, newest first. */
export function usersQuery(query: string) {
  return infiniteQueryOptions({
    queryKey: ["users", "list", query] as const,
    queryFn: ({ pageParam, signal }) =>
      ask(
        api.GET("/api/admin/users", {
          params: { query: { query, limit: PAGE, ...(pageParam && { cursor: pageParam }) } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });
}

/** One person. */
export function userQuery(id: string) {
  return queryOptions({
    queryKey: ["users", "one", id] as const,
    queryFn: ({ signal }) =>
      ask(api.GET("/api/admin/users/{user_id}", { params: { path: { user_id: id } }, signal })),
  });
}

/** What a person has now, or null. */
export function holdingQuery(id: string) {
  return queryOptions({
    queryKey: ["users", "holding", id] as const,
    queryFn: async ({ signal }): Promise<Holding | null> => {
      const { assignment } = await ask(
        api.GET("/api/admin/users/{user_id}/assignment", {
          params: { path: { user_id: id } },
          signal,
        }),
      );
      return assignment;
    },
  });
}

/** What a person was given last, and what was taken back, newest first. */
export function historyQuery(id: string) {
  return queryOptions({
    queryKey: ["users", "history", id] as const,
    queryFn: ({ signal }) =>
      ask(
        api.GET("/api/admin/users/{user_id}/assignment-history", {
          params: { path: { user_id: id }, query: { limit: LAST } },
          signal,
        }),
      ),
  });
}

interface RevertAsked {
  userId: string;
  assignmentId: string;
}

/** What reverting an assignment would come to; it is asked anew each time. */
export function revertPlanQuery({ userId, assignmentId }: RevertAsked) {
  return queryOptions({
    queryKey: ["users", "revert-plan", userId, assignmentId] as const,
    queryFn: () =>
      ask(
        api.POST("/api/admin/users/{user_id}/revert-assignment", {
          params: { path: { user_id: userId }, query: { dry_run: true } },
          body: { assignment_id: assignmentId, reason: null },
        }),
      ),
    staleTime: 0,
    gcTime: 0,
  });
}

/** Take back one assignment of a person, however old. */
export function useRevert({ userId, assignmentId }: RevertAsked) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (reason: string) =>
      ask(
        api.POST("/api/admin/users/{user_id}/revert-assignment", {
          params: { path: { user_id: userId } },
          body: { assignment_id: assignmentId, reason: reason.trim() || null },
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["users", "holding", userId] }),
  });
}
