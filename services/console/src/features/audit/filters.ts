import type { components } from "@/api/schema";

export type Action = components["schemas"]["HistoryEntry"]["action"];

/** Which entries are shown; kept in the address. Dates are days in the person's own zone. */
export interface Filters {
  user?: string;
  asset?: string;
  by?: string;
  action?: Action | undefined;
  from?: string;
  to?: string;
}

export const ACTIONS: readonly Action[] = [
  "assigned",
  "bulk_assigned",
  "bulk_attempt_failed",
  "undone",
  "reverted",
  "conversion_status_changed",
  "retried",
  "asset_uploaded",
  "asset_deleted",
  "asset_restored",
  "user_created",
  "user_changed",
  "api_key_created",
  "api_key_deleted",
  "hold_placed",
  "hold_released",
  "entries_archived",
  "restore_acknowledged",
  "tenant_created",
  "tenant_changed",
  "message_replayed",
  "state_resynced",
  "fault_repaired",
];

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const DAY = /^\d{4}-\d\d-\d\d$/;

const isId = (text: string) => UUID.test(text);
const isDay = (text: string) => DAY.test(text) && !Number.isNaN(Date.parse(`${text}T00:00:00`));

/** The filters of an address; what makes no sense is left out. */
export function readFilters(search: Record<string, unknown>): Filters {
  const told = (name: string, makesSense: (text: string) => boolean) => {
    const value = search[name];
    return typeof value === "string" && makesSense(value) ? { [name]: value } : {};
  };
  const action = ACTIONS.find((each) => each === search.action);
  return {
    ...told("user", isId),
    ...told("asset", isId),
    ...told("by", isId),
    ...told("from", isDay),
    ...told("to", isDay),
    ...(action ? { action } : {}),
  };
}

/** The filters as the API takes them; `to` is the end of that day. */
export function asQuery({ user, asset, by, action, from, to }: Filters) {
  return {
    ...(user && { user_id: user }),
    ...(asset && { asset_id: asset }),
    ...(by && { performed_by: by }),
    ...(action && { action }),
    ...(from && { from: new Date(`${from}T00:00:00`).toISOString() }),
    ...(to && { to: new Date(`${to}T23:59:59.999`).toISOString() }),
  };
}
