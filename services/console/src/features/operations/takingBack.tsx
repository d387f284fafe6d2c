import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import i18next from "i18next";
import { lazy, Suspense } from "react";
import { toastDone } from "@/ui/toast";
import type { TakenBack, WayBack } from "./queries";

const Plan = lazy(async () => ({ default: (await import("./Plan")).Plan }));

/** What the ways back need to know of an operation. */
export interface Undoable {
  id: string;
  assetId: string;
  /** How many people were given the asset. */
  users: number;
  expiresAt: string | null;
}

/** The id of the toast that offers to undo an operation. */
export function toastIdOf(operationId: string): string {
  return `undo-${operationId}`;
}

/** Shows what taking an operation back would change, and asks. */
export function askTakeBack(operation: Undoable, way: WayBack): void {
  const modalId = `${way}-${operation.id}`;
  modals.open({
    modalId,
    title: i18next.t(`operations.${way}Title`),
    children: (
      <Suspense>
        <Plan operation={operation} way={way} onDone={() => modals.close(modalId)} />
      </Suspense>
    ),
  });
}

/** Says what came of taking an operation back. */
export function toldTakenBack(operationId: string, way: WayBack, outcome: TakenBack): void {
  notifications.hide(toastIdOf(operationId));
  const [done, skipped] = [outcome.restored.length, outcome.skipped.length];
  const told = [i18next.t(`operations.${way}Done`, { count: done })];
  if (skipped > 0) told.push(i18next.t("operations.skipped", { count: skipped }));
  toastDone({ id: `done-${operationId}`, message: told.join(" ") });
}
