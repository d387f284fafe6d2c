import { clock } from "@/api/clock";
import type { Operation } from "./queries";
import type { Undoable } from "./takingBack";

/** Whether an operation gave somebody something and nobody took it back yet. */
export function isStanding({ kind, status, user_count: many }: Operation): boolean {
  return (kind === "assign" || kind === "bulk_assign") && status === "completed" && many > 0;
}

/** Whether an operation can be undone now, by the server's clock. */
export function isOpen(operation: Operation): boolean {
  const until = operation.undo_expires_at;
  return isStanding(operation) && until !== null && clock.secondsUntil(until) > 0;
}

/** What the ways back need of an operation. */
export function undoable(operation: Operation): Undoable {
  const { id, asset_id, user_count, undo_expires_at } = operation;
  return { id, assetId: asset_id, users: user_count, expiresAt: undo_expires_at };
}
