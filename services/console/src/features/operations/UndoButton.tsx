import { Button, type ButtonProps, VisuallyHidden } from "@mantine/core";
import { Undo2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useCountdown } from "@/api/clock";
import { toastProblem } from "@/ui/toast";
import { useTakeBack } from "./queries";
import { askTakeBack, toldTakenBack, type Undoable } from "./takingBack";

interface Props extends ButtonProps {
  operation: Undoable;
  /** Says aloud when ten seconds are left, and when none are. */
  announcing?: boolean;
  onUndone?: () => void;
}

const LAST_CALL = 10;

/**
 * Undoes an operation while its window is open, by the server's clock; then it is gone. One on
 * many people shows first what would change.
 */
export function UndoButton({ operation, announcing = false, onUndone, ...looks }: Props) {
  const { t } = useTranslation();
  const seconds = useCountdown(operation.expiresAt);
  const undo = useTakeBack(operation.id, "undo");
  const act = () => {
    if (operation.users > 1) return askTakeBack(operation, "undo");
    void undo.mutateAsync(undefined).then(
      (outcome) => {
        toldTakenBack(operation.id, "undo", outcome);
        onUndone?.();
      },
      (error: unknown) => toastProblem(error, t("operations.notUndone")),
    );
  };
  return (
    <>
      {announcing && <LastCall seconds={seconds} />}
      {seconds !== null && seconds > 0 && (
        <Button
          variant="light"
          size="compact-sm"
          style={{ flex: "none" }}
          leftSection={<Undo2 size={15} aria-hidden />}
          loading={undo.isPending}
          onClick={act}
          {...looks}
        >
          {t("operations.undo")}
          <span className="tabular" aria-hidden style={{ marginInlineStart: 6, opacity: 0.8 }}>
            {seconds} s
          </span>
        </Button>
      )}
    </>
  );
}

/** For who cannot see the countdown: not every tick, but the last ten seconds and the end. */
function LastCall({ seconds }: { seconds: number | null }) {
  const { t } = useTranslation();
  if (seconds === null || seconds > LAST_CALL) return <VisuallyHidden role="status" />;
  return (
    <VisuallyHidden role="status">
      {seconds > 0 ? t("operations.lastCall", { count: LAST_CALL }) : t("operations.windowOver")}
    </VisuallyHidden>
  );
}
