/** What a code of the API is called, and what it means to a person. */
export interface Told {
  title: string;
  detail: string;
}

/**
 * Codes that come alone, such as the reason of an operation that failed. All others come with
 * words of the server's own, which are English and say more.
 */
export const codes: Readonly<Record<string, Told>> = {
  asset_not_completed: {
    title: "The asset is not ready",
    detail: "Only an asset whose conversion is completed can be assigned.",
  },
  asset_not_found: {
    title: "Asset not found",
    detail: "There is no asset with this id, or it was deleted.",
  },
  bulk_abandoned: {
    title: "The attempt was given up",
    detail: "It took too long; nothing was assigned.",
  },
  bulk_refused: {
    title: "Nothing was assigned",
    detail: "Somebody cannot be given the asset, so nobody was.",
  },
  idempotency_key_in_use: {
    title: "The same request is under way",
    detail: "The same request was quicker; nothing was assigned by this one.",
  },
  interrupted: {
    title: "Interrupted",
    detail: "The server was interrupted; nothing was assigned.",
  },
  user_disabled: {
    title: "The user is disabled",
    detail: "This person is disabled, and cannot be given anything.",
  },
  user_not_found: {
    title: "User not found",
    detail: "There is nobody with this id.",
  },
};
