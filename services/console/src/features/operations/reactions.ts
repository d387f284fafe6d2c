import { notifications } from "@mantine/notifications";
import type { QueryClient } from "@tanstack/react-query";
import type { Reactions } from "@/live/events";
import { toastIdOf } from "./takingBack";

const TOGETHER_MS = 150;
/** The audit trail shows a change within a second. */
const TRAIL_MS = 1_100;

/** Keeps what people have, what was done and what the trail says of it as they are. */
export function operationReactions(queries: QueryClient): Reactions {
  const people = afterwards(() => {
    for (const key of [
      ["users", "holding"],
      ["users", "history"],
      ["assets", "holders"],
    ]) {
      void queries.invalidateQueries({ queryKey: key });
    }
  }, TOGETHER_MS);
  const operations = afterwards(
    () => void queries.invalidateQueries({ queryKey: ["operations"] }),
    TOGETHER_MS,
  );
  const trail = afterwards(() => {
    void queries.invalidateQueries({ queryKey: ["users", "history"] });
    void queries.invalidateQueries({ queryKey: ["audit", "newest"] });
  }, TRAIL_MS);
  const moved = () => {
    people();
    trail();
  };
  return {
    "assignment.asset.assigned": moved,
    "assignment.asset.unassigned": moved,
    "assignment.operation.completed": operations,
    "assignment.operation.undone": ({ operation_id }) => {
      notifications.hide(toastIdOf(operation_id));
      operations();
      moved();
    },
    "converter.asset.status_changed": trail,
    "converter.asset.deleted": trail,
    "converter.asset.restored": trail,
    "converter.asset.uploaded": trail,
  };
}

/** Does something once, a while after the first of many calls. */
function afterwards(act: () => void, delay: number): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      act();
    }, delay);
  };
}
