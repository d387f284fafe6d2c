import type { Asset, ConversionStatus } from "@/api/client";

export const STATUSES: readonly ConversionStatus[] = [
  "pending",
  "processing",
  "completed",
  "failed",
];

/** Which assets are shown, and how; kept in the address, so that it can be sent to somebody. */
export interface Filters {
  query?: string;
  status?: ConversionStatus | undefined;
  deleted?: boolean;
}

/** The filters of an address; what makes no sense is left out. */
export function readFilters(search: Record<string, unknown>): Filters {
  const status = STATUSES.find((each) => each === search.status);
  return {
    ...(typeof search.query === "string" && search.query ? { query: search.query } : {}),
    ...(status ? { status } : {}),
    ...(search.deleted === true ? { deleted: true } : {}),
  };
}

/** Whether the server would list the asset under these filters. */
export function matches(asset: Asset, filters: Filters): boolean {
  if ((asset.deleted_at !== null) !== Boolean(filters.deleted)) return false;
  if (filters.status && asset.conversion_status !== filters.status) return false;
  if (!filters.query) return true;
  const wanted = filters.query.toLowerCase();
  return [asset.title, asset.filename].some((text) => text.toLowerCase().includes(wanted));
}
