import { Button, CloseButton, Text } from "@mantine/core";
import { ArchiveRestore, RotateCcw, Square, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/api/client";
import { AssignButton } from "@/features/assign/AssignButton";
import { toastDone, toastProblem } from "@/ui/toast";
import classes from "./assets.module.css";
import { useCancel, useDelete, useRestore, useRetry } from "./queries";
import { askRemoval } from "./removal";

type Verb = "retried" | "cancelled" | "restored" | "removed";

/** What can be done with the selected assets; there only while some are selected. */
export function BulkBar({ assets, onDone }: { assets: readonly Asset[]; onDone: () => void }) {
  const { t } = useTranslation();
  const remove = useDelete();
  const [retry, cancel, restore] = [useRetry(), useCancel(), useRestore()];
  const acts: Record<Verb, (asset: Asset) => Promise<unknown>> = {
    retried: (asset: Asset) => retry.mutateAsync(asset.id),
    cancelled: (asset: Asset) => cancel.mutateAsync(asset.id),
    restored: (asset: Asset) => restore.mutateAsync(asset.id),
    removed: (asset: Asset) => remove.mutateAsync(asset),
  };
  const [busy, setBusy] = useState(false);
  if (assets.length === 0) return null;
  const only = assets.length === 1 ? assets[0] : undefined;
  const left = assets.filter((asset) => asset.deleted_at === null);
  const gone = assets.filter((asset) => asset.deleted_at !== null);
  const failed = left.filter((asset) => asset.conversion_status === "failed");
  const moving = left.filter(
    ({ conversion_status: status }) => status === "pending" || status === "processing",
  );

  async function each(some: readonly Asset[], verb: Verb) {
    setBusy(true);
    const results = await Promise.allSettled(some.map(acts[verb]));
    setBusy(false);
    const refused = results.filter((result) => result.status === "rejected");
    const done = results.length - refused.length;
    if (done > 0) toastDone({ message: t(`assets.${verb}`, { count: done }) });
    for (const { reason } of refused.slice(0, 3)) toastProblem(reason);
    if (refused.length === 0) onDone();
  }

  return (
    <div className={classes.bulk} role="toolbar" aria-label={t("assets.bulk")}>
      <Text size="sm" fw={600} mr="xs" role="status">
        {t("assets.selected", { count: assets.length })}
      </Text>
      {only && <AssignButton asset={only} size="compact-md" variant="light" />}
      {failed.length > 0 && (
        <Button
          size="compact-md"
          variant="light"
          loading={busy}
          leftSection={<RotateCcw size={15} aria-hidden />}
          onClick={() => void each(failed, "retried")}
        >
          {t("assets.retry", { count: failed.length })}
        </Button>
      )}
      {moving.length > 0 && (
        <Button
          size="compact-md"
          variant="light"
          color="gray"
          loading={busy}
          leftSection={<Square size={14} aria-hidden />}
          onClick={() => void each(moving, "cancelled")}
        >
          {t("assets.cancel", { count: moving.length })}
        </Button>
      )}
      {gone.length > 0 && (
        <Button
          size="compact-md"
          variant="light"
          loading={busy}
          leftSection={<ArchiveRestore size={15} aria-hidden />}
          onClick={() => void each(gone, "restored")}
        >
          {t("assets.restore")}
        </Button>
      )}
      {left.length > 0 && (
        <Button
          size="compact-md"
          variant="light"
          color="red"
          loading={busy}
          leftSection={<Trash2 size={15} aria-hidden />}
          onClick={() => askRemoval(left.length, () => void each(left, "removed"))}
        >
          {t("assets.delete")}
        </Button>
      )}
      <CloseButton aria-label={t("assets.deselect")} onClick={onDone} />
    </div>
  );
}
