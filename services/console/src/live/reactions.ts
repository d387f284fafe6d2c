import type { QueryClient } from "@tanstack/react-query";
import { assetReactions } from "@/features/assets/reactions";
import { operationReactions } from "@/features/operations/reactions";
import type { Reactions } from "./events";

/** What every feature does when something happens. */
export function reactionsOf(queries: QueryClient): Reactions[] {
  return [assetReactions(queries), operationReactions(queries)];
}
