/** Who is shown; kept in the address. */
export interface Filters {
  query?: string;
}

/** The filters of an address; what makes no sense is left out. */
export function readFilters({ query }: Record<string, unknown>): Filters {
  return typeof query === "string" && query ? { query } : {};
}
