import { Alert, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import { AssignButton } from "@/features/assign/AssignButton";
import { moment } from "@/ui/format";
import { PageHeader } from "@/ui/PageHeader";
import { ProblemBox } from "@/ui/ProblemBox";
import { AdminMediaSidebar } from "./AdminMediaSidebar";
import classes from "./asset.module.css";
import { BedrockPlayground } from "./BedrockPlayground";
import { assetQuery } from "./queries";
import { StatusChip } from "./StatusChip";

/** One asset: to look at, to give to people, and to see how it is. */
export function AssetPage() {
  const { t } = useTranslation();
  const { assetId } = useParams({ from: "/assets/$assetId" });
  const { data: asset, error, refetch } = useQuery(assetQuery(assetId));
  if (error && !asset) return <ProblemBox error={error} onRetry={() => void refetch()} />;
  if (!asset) return <Skeleton height={420} radius="lg" aria-label={t("app.loading")} />;
  return (
    <>
      <PageHeader
        title={asset.title}
        aside={<StatusChip status={asset.conversion_status} progress={asset.progress} />}
      >
        <AssignButton asset={asset} />
      </PageHeader>
      {asset.deleted_at && (
        <Alert color="gray" mb="md" icon={<Trash2 size={18} aria-hidden />}>
          {t("asset.deleted", { time: moment(asset.deleted_at) })}
        </Alert>
      )}
      <div className={classes.page}>
        <BedrockPlayground asset={asset} />
        <AdminMediaSidebar asset={asset} />
      </div>
    </>
  );
}
