import { useHotkeys } from "@mantine/hooks";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { api, ask } from "@/api/client";
import { useMe } from "@/features/session/useSession";
import { toastDone, toastProblem } from "@/ui/toast";
import { isOpen, undoable } from "./open";
import { askTakeBack, toldTakenBack } from "./takingBack";

const LATELY = 50;

/** Ctrl Z undoes the newest thing that this person did and that can still be undone. */
export function useUndoKey(): void {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const me = useMe();
  const undo = useMutation({
    mutationFn: async () => {
      const { items } = await ask(
        api.GET("/api/admin/operations", { params: { query: { limit: LATELY } } }),
      );
      const newest = items.find((each) => each.performed_by === me.id && isOpen(each));
      if (!newest) return toastDone({ id: "nothing", message: t("operations.nothingToUndo") });
      if (newest.user_count > 1) return askTakeBack(undoable(newest), "undo");
      const params = { path: { operation_id: newest.id } };
      const done = await ask(api.POST("/api/admin/operations/{operation_id}/undo", { params }));
      toldTakenBack(newest.id, "undo", done);
    },
    onError: (error) => toastProblem(error, t("operations.notUndone")),
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["operations"] });
      void queries.invalidateQueries({ queryKey: ["users"] });
    },
  });
  useHotkeys([["mod+z", () => undo.isPending || undo.mutate()]]);
}
