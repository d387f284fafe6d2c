import type { QueryClient } from "@tanstack/react-query";

/**
 * Loads afresh what is shown. What is being loaded this moment is let through first, and then
 * loaded again: its answer may be older than what was missed.
 */
export function refresh(queries: QueryClient): void {
  for (const query of queries.getQueryCache().findAll({ fetchStatus: "fetching" })) {
    const again = () => queries.invalidateQueries({ queryKey: query.queryKey, exact: true });
    void query.promise?.then(again, again);
  }
  void queries.invalidateQueries({ predicate: (query) => query.state.fetchStatus !== "fetching" });
}
