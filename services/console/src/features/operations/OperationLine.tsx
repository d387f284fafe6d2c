import { Badge, Button, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { RotateCcw } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useCountdown } from "@/api/clock";
import { meaningOf } from "@/app/i18n";
import { AssetName, AssetThumb } from "@/features/assets/AssetName";
import { Actor, Person } from "@/features/users/Person";
import { Ago } from "@/ui/Ago";
import { toastDone, toastProblem } from "@/ui/toast";
import { Failed } from "./Failed";
import { isStanding, undoable } from "./open";
import classes from "./operations.module.css";
import { type Operation, operationQuery, useRetryBulk } from "./queries";
import { askTakeBack } from "./takingBack";
import { UndoButton } from "./UndoButton";

const COLOURS = {
  attempted: "gray",
  completed: "teal",
  failed: "red",
  undone: "gray",
  reverted: "gray",
} as const;

/** One thing that was done, and what can be done about it. */
export function OperationLine({ operation }: { operation: Operation }) {
  const { t } = useTranslation();
  const failed = operation.status === "failed";
  return (
    <article className={`${classes.line} row-panel`} data-operation={operation.id}>
      <AssetThumb id={operation.asset_id} size={72} />
      <div className={classes.what}>
        <Text size="sm" fw={600} className="clip">
          {t(`operations.kind.${operation.kind}`)} · <AssetName id={operation.asset_id} />
        </Text>
        <Text size="xs" c="var(--muted)">
          <Whom operation={operation} />
          {t("operations.by")} <Actor id={operation.performed_by} /> ·{" "}
          <Ago time={operation.performed_at} />
        </Text>
        {failed && <Why operation={operation} />}
      </div>
      <Badge
        variant="light"
        color={COLOURS[operation.status]}
        className={classes.status}
        data-status={operation.status}
        tt="none"
      >
        {t(`operations.status.${operation.status}`)}
      </Badge>
      <div className={classes.actions}>
        {isStanding(operation) && <WayBack operation={operation} />}
        {failed && operation.kind === "bulk_assign" && <Retry operation={operation} />}
      </div>
    </article>
  );
}

/** Whom it was about, or how many, or how many there was nothing to do for. */
function Whom({ operation }: { operation: Operation }) {
  const { t } = useTranslation();
  const { user_id: id, user_count: many, unchanged_count: unchanged } = operation;
  if (!id && many === 0 && unchanged === 0) return null;
  const number =
    many > 0
      ? t("operations.people", { count: many })
      : t("operations.unchanged", { count: unchanged });
  return <>{id ? <Person id={id} /> : number} · </>;
}

/** Undo while the window is open; from then on, revert. */
function WayBack({ operation }: { operation: Operation }) {
  const { t } = useTranslation();
  const seconds = useCountdown(operation.undo_expires_at);
  if (seconds !== null && seconds > 0) return <UndoButton operation={undoable(operation)} />;
  return (
    <Button
      variant="default"
      size="compact-sm"
      leftSection={<RotateCcw size={14} aria-hidden />}
      onClick={() => askTakeBack(undoable(operation), "revert")}
    >
      {t("users.revert")}
    </Button>
  );
}

function Why({ operation }: { operation: Operation }) {
  const { t } = useTranslation();
  const { data } = useQuery(operationQuery(operation.id));
  const [first] = data?.failures ?? [];
  const others = (data?.failed_count ?? 0) - 1;
  const reason = operation.error ?? "";
  return (
    <Text size="xs" c="var(--danger)">
      {first ? <Failed failure={first} /> : (meaningOf(reason)?.detail ?? reason)}{" "}
      {others > 0 && t("operations.andMore", { count: others })}
    </Text>
  );
}

function Retry({ operation }: { operation: Operation }) {
  const { t } = useTranslation();
  const retry = useRetryBulk();
  return (
    <Button
      variant="light"
      size="compact-sm"
      leftSection={<RotateCcw size={14} aria-hidden />}
      loading={retry.isPending}
      onClick={() =>
        void retry.mutateAsync(operation.id).then(
          ({ successful_count: count }) =>
            toastDone({ message: t("operations.retried", { count }) }),
          (error: unknown) => toastProblem(error, t("operations.notRetried")),
        )
      }
    >
      {t("operations.retry")}
    </Button>
  );
}
