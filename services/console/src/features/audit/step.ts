import { STATUSES } from "@/features/assets/filters";
import type { Entry } from "./queries";

/** The step of a conversion that an entry tells of: which status was left, and which came. */
export function stepOf({ metadata }: Entry) {
  const from = STATUSES.find((status) => status === metadata?.old_status);
  const to = STATUSES.find((status) => status === metadata?.new_status);
  return from && to ? { from, to } : null;
}
