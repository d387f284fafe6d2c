import { Button, Group, List, Loader, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { refusalsOf } from "@/api/problem";
import { AssetThumb, useTitleOf } from "@/features/assets/AssetName";
import { useNameOf } from "@/features/users/Person";
import { ProblemBox } from "@/ui/ProblemBox";
import { ReasonField } from "@/ui/ReasonField";
import { planQuery, type TakenBack, useTakeBack, type WayBack } from "./queries";
import { toldTakenBack, type Undoable } from "./takingBack";

const SHOWN = 6;

interface Props {
  operation: Undoable;
  way: WayBack;
  onDone: () => void;
}

/** What would change if an operation were taken back now, and the button that does it. */
export function Plan({ operation, way, onDone }: Props) {
  const { t } = useTranslation();
  const plan = useQuery(planQuery(operation.id, way));
  const go = useTakeBack(operation.id, way);
  const [reason, setReason] = useState("");
  const title = useTitleOf(operation.assetId);
  const carryOut = () =>
    go.mutate(reason, {
      onSuccess: (outcome) => {
        toldTakenBack(operation.id, way, outcome);
        onDone();
      },
    });
  return (
    <Stack gap="md">
      <Group wrap="nowrap">
        <AssetThumb id={operation.assetId} />
        <Text fw={600}>{title}</Text>
      </Group>
      {plan.isPending && <Loader type="dots" aria-label={t("app.loading")} />}
      {plan.error && <ProblemBox error={plan.error} />}
      {plan.data && <Changes plan={plan.data} />}
      {way === "revert" && plan.data && (
        <ReasonField value={reason} onChange={setReason} error={go.error} />
      )}
      {go.error && !refusalsOf(go.error).reason && <ProblemBox error={go.error} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={onDone}>
          {t("app.cancel")}
        </Button>
        <Button
          data-autofocus={way === "undo" || undefined}
          disabled={!plan.data || plan.data.restored.length === 0}
          loading={go.isPending}
          onClick={carryOut}
        >
          {t(`operations.${way}Yes`, { count: plan.data?.restored.length ?? 0 })}
        </Button>
      </Group>
    </Stack>
  );
}

function Changes({ plan }: { plan: TakenBack }) {
  const { t } = useTranslation();
  const more = plan.restored.length - SHOWN;
  return (
    <div>
      <Text size="sm" mb={6}>
        {t("operations.planned", { count: plan.restored.length })}
      </Text>
      <List size="sm" spacing={4} listStyleType="none">
        {plan.restored.slice(0, SHOWN).map(({ user_id, asset_id }) => (
          <List.Item key={user_id}>
            <GoesBack userId={user_id} assetId={asset_id ?? null} />
          </List.Item>
        ))}
      </List>
      {more > 0 && (
        <Text size="sm" c="var(--muted)" mt={4}>
          {t("operations.andMore", { count: more })}
        </Text>
      )}
      {plan.skipped.length > 0 && (
        <Text size="sm" mt="xs">
          {t("operations.skipped", { count: plan.skipped.length })}
        </Text>
      )}
    </div>
  );
}

function GoesBack({ userId, assetId }: { userId: string; assetId: string | null }) {
  const [name, title] = [useNameOf(userId), useTitleOf(assetId)];
  return (
    <>
      <b>{name}</b> → {title}
    </>
  );
}
