import { Group, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/api/client";
import { isOpen, undoable } from "@/features/operations/open";
import { operationQuery } from "@/features/operations/queries";
import { UndoButton } from "@/features/operations/UndoButton";
import { Face } from "@/features/users/Face";
import { Actor, Person, useNameOf } from "@/features/users/Person";
import { holdingQuery } from "@/features/users/queries";
import { When } from "@/ui/Ago";
import classes from "./asset.module.css";
import { holdersQuery } from "./queries";

/** Who has the asset: the one it was given last, when and by which administrator, and the rest. */
export function AssignedTo({ asset }: { asset: Asset }) {
  const { t } = useTranslation();
  const { data: holders } = useQuery({
    ...holdersQuery(asset.id),
    enabled: asset.active_assignment_count > 0,
  });
  const { data: last } = useQuery({
    ...holdingQuery(asset.user_id ?? ""),
    enabled: asset.user_id !== null,
  });
  if (!asset.user_id || !asset.assigned_at) {
    return (
      <Text size="sm" c="var(--muted)">
        {t("asset.unassigned")}
      </Text>
    );
  }
  const others = holders?.items.filter(({ user_id }) => user_id !== asset.user_id) ?? [];
  const unseen = asset.active_assignment_count - 1 - others.length;
  return (
    <Stack gap="sm">
      <Group wrap="nowrap" align="flex-start" gap="sm" data-part="assigned">
        <FaceOf id={asset.user_id} />
        <div style={{ minWidth: 0 }}>
          <Text size="sm" fw={600} className="clip">
            <Person id={asset.user_id} />
          </Text>
          <Text size="sm" c="var(--muted)">
            <When time={asset.assigned_at} />
          </Text>
          {asset.assigned_by && (
            <Text size="sm" c="var(--muted)">
              {t("asset.by")} <Actor id={asset.assigned_by} />
            </Text>
          )}
        </div>
      </Group>
      {last?.asset_id === asset.id && <UndoHere operationId={last.operation_id} />}
      {others.length > 0 && (
        <div>
          <Text size="sm" fw={600} mb={6}>
            {t("assets.holders", { count: asset.active_assignment_count })}
          </Text>
          <ul className={classes.holders}>
            {others.map(({ user_id }) => (
              <li key={user_id}>
                <Person id={user_id} />
              </li>
            ))}
            {unseen > 0 && <li>{t("operations.andMore", { count: unseen })}</li>}
          </ul>
        </div>
      )}
    </Stack>
  );
}

function UndoHere({ operationId }: { operationId: string }) {
  const { data } = useQuery(operationQuery(operationId));
  if (!data || !isOpen(data)) return null;
  return (
    <div>
      <UndoButton operation={undoable(data)} />
    </div>
  );
}

function FaceOf({ id }: { id: string }) {
  return <Face name={useNameOf(id)} size={38} />;
}
