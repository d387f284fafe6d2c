import { Alert, Button, Group, Loader, Modal, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ArrowRight } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Problem, refusalsOf } from "@/api/problem";
import { AssetThumb, useTitleOf } from "@/features/assets/AssetName";
import { UndoButton } from "@/features/operations/UndoButton";
import { ProblemBox } from "@/ui/ProblemBox";
import { ReasonField } from "@/ui/ReasonField";
import { toastDone } from "@/ui/toast";
import { useNameOf } from "./Person";
import { holdingQuery, revertPlanQuery, useRevert } from "./queries";
import classes from "./users.module.css";

interface Props {
  userId: string;
  assignmentId: string;
  onClose: () => void;
}

/** Shows what taking an assignment back would change, asks why, and does it. */
export function RevertModal({ userId, assignmentId, onClose }: Props) {
  const { t } = useTranslation();
  const name = useNameOf(userId);
  const plan = useQuery(revertPlanQuery({ userId, assignmentId }));
  const revert = useRevert({ userId, assignmentId });
  const [reason, setReason] = useState("");
  const carryOut = () =>
    revert.mutate(reason, {
      onSuccess: () => {
        toastDone({ message: t("users.reverted", { name }) });
        onClose();
      },
    });
  return (
    <Modal opened onClose={onClose} title={t("users.revertTitle")}>
      <Stack gap="md">
        {plan.isPending && <Loader type="dots" aria-label={t("app.loading")} />}
        {plan.error && <NoPlan error={plan.error} onUndone={onClose} />}
        {plan.data && (
          <>
            <Text size="sm">{t("users.revertText", { name })}</Text>
            <Change userId={userId} next={plan.data.restored_asset_id} />
            {plan.data.restore_refused && <Alert color="yellow">{t("users.cannotRestore")}</Alert>}
            <ReasonField value={reason} onChange={setReason} error={revert.error} />
          </>
        )}
        {revert.error && !refusalsOf(revert.error).reason && <ProblemBox error={revert.error} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("app.cancel")}
          </Button>
          <Button disabled={!plan.data} loading={revert.isPending} onClick={carryOut}>
            {t("users.revertYes")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** What somebody has now, and what they would have then. */
function Change({ userId, next }: { userId: string; next: string | null }) {
  const { t } = useTranslation();
  const { data: now } = useQuery(holdingQuery(userId));
  return (
    <div className={classes.change}>
      <Side label={t("users.now")} assetId={now?.asset_id ?? null} />
      <ArrowRight size={18} aria-hidden />
      <Side label={t("users.afterwards")} assetId={next} />
    </div>
  );
}

function Side({ label, assetId }: { label: string; assetId: string | null }) {
  const title = useTitleOf(assetId);
  return (
    <div className={classes.side}>
      <Text size="xs" c="var(--muted)">
        {label}
      </Text>
      <AssetThumb id={assetId} size={120} />
      <Text size="sm" fw={600} className="clip">
        {title}
      </Text>
    </div>
  );
}

/** Why there is nothing to plan; what can still be undone is undone instead. */
function NoPlan({ error, onUndone }: { error: unknown; onUndone: () => void }) {
  const { t } = useTranslation();
  const { code, extra } = Problem.of(error);
  if (code !== "undo_window_open") return <ProblemBox error={error} />;
  const operation = {
    id: String(extra.operation_id),
    assetId: "",
    users: 1,
    expiresAt: String(extra.undo_expires_at),
  };
  return (
    <Alert color="blue" title={t("users.stillOpen")}>
      <Text size="sm" mb="xs">
        {t("users.stillOpenText")}
      </Text>
      <UndoButton operation={operation} onUndone={onUndone} />
    </Alert>
  );
}
