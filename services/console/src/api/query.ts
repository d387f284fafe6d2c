import { QueryClient } from "@tanstack/react-query";
import { Problem } from "./problem";

const MOST_TRIES = 3;

/** The cache of what the server told; live events keep it fresh, so nothing in it grows stale. */
export function newQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 60_000,
        gcTime: 5 * 60_000,
        refetchOnWindowFocus: false,
        refetchOnReconnect: ({ state }) => state.status === "error",
        retry: (count, error) => count < MOST_TRIES && Problem.of(error).passing,
        retryDelay: (count) => Math.min(500 * 2 ** count, 5_000),
        networkMode: "always",
      },
      mutations: { networkMode: "always" },
    },
  });
}
