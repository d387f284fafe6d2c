import { ActionIcon, Alert, Button, Group, Text, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { ArchiveRestore, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/api/client";
import { AssignButton } from "@/features/assign/AssignButton";
import { moment } from "@/ui/format";
import { Loading } from "@/ui/Loading";
import { PageHeader } from "@/ui/PageHeader";
import { PageProblem } from "@/ui/PageProblem";
import { toastDone, toastProblem } from "@/ui/toast";
import { AdminMediaSidebar } from "./AdminMediaSidebar";
import classes from "./asset.module.css";
import { BedrockPlayground } from "./BedrockPlayground";
import { assetQuery, useDelete, useRestore } from "./queries";
import { askRemoval } from "./removal";
import { StatusChip } from "./StatusChip";

/** One asset: to look at, to give to people, and to see how it is. */
export function AssetPage() {
  const { assetId } = useParams({ from: "/assets/$assetId" });
  const { data: asset, error, refetch } = useQuery(assetQuery(assetId));
  if (error && !asset) {
    return <PageProblem error={error} to="/assets" onRetry={() => void refetch()} />;
  }
  if (!asset) return <Loading height={420} />;
  return (
    <>
      <PageHeader
        title={asset.title}
        aside={<StatusChip status={asset.conversion_status} progress={asset.progress} />}
      >
        <AssignButton asset={asset} />
        {!asset.deleted_at && <DeleteButton asset={asset} />}
      </PageHeader>
      {asset.deleted_at && <Deleted asset={asset} at={asset.deleted_at} />}
      <div className={classes.page}>
        <BedrockPlayground asset={asset} />
        <AdminMediaSidebar asset={asset} />
      </div>
    </>
  );
}

function DeleteButton({ asset }: { asset: Asset }) {
  const { t } = useTranslation();
  const remove = useDelete();
  const carryOut = () =>
    void remove
      .mutateAsync(asset)
      .then(() => toastDone({ message: t("assets.removed", { count: 1 }) }), toastProblem);
  return (
    <Tooltip label={t("assets.delete")}>
      <ActionIcon
        variant="default"
        size={36}
        aria-label={t("assets.delete")}
        loading={remove.isPending}
        onClick={() => askRemoval(1, carryOut)}
      >
        <Trash2 size={16} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}

/** That it was deleted, and the way back. */
function Deleted({ asset, at }: { asset: Asset; at: string }) {
  const { t } = useTranslation();
  const restore = useRestore();
  return (
    <Alert color="gray" mb="md" icon={<Trash2 size={18} aria-hidden />}>
      <Group justify="space-between" gap="sm">
        <Text size="sm">{t("asset.deleted", { time: moment(at) })}</Text>
        <Button
          size="compact-sm"
          leftSection={<ArchiveRestore size={14} aria-hidden />}
          loading={restore.isPending}
          onClick={() =>
            void restore
              .mutateAsync(asset.id)
              .then(() => toastDone({ message: t("assets.restored", { count: 1 }) }), toastProblem)
          }
        >
          {t("assets.restore")}
        </Button>
      </Group>
    </Alert>
  );
}
