import { Alert, Button, Code, Group, Progress, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Check, CircleX, RotateCcw, Square } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Asset, ConversionStatus } from "@/api/client";
import { meaningOf } from "@/app/i18n";
import { toastProblem } from "@/ui/toast";
import { AssignedTo } from "./AssignedTo";
import classes from "./asset.module.css";
import { type Progress as Live, progressKey, useCancel, useRetry } from "./queries";
import { RENDITIONS, type Rendition, renditionsOf } from "./renditions";
import { StatusChip } from "./StatusChip";

/** How the conversion of an asset is, live; and who has the asset. */
export function AdminMediaSidebar({ asset }: { asset: Asset }) {
  const { t } = useTranslation();
  return (
    <aside className={classes.sidebar} aria-label={t("asset.sidebar")}>
      <section className="panel">
        <Title order={2} fz="sm" mb="sm">
          {t("asset.conversion")}
        </Title>
        <Conversion asset={asset} />
      </section>
      <section className="panel">
        <Title order={2} fz="sm" mb="sm">
          {t("asset.assignment")}
        </Title>
        <AssignedTo asset={asset} />
      </section>
    </aside>
  );
}

function Conversion({ asset }: { asset: Asset }) {
  const { t } = useTranslation();
  const status = asset.conversion_status;
  const moving = status === "pending" || status === "processing";
  const [retry, cancel] = [useRetry(), useCancel()];
  return (
    <Stack gap="sm">
      <Group justify="space-between">
        <StatusChip status={status} />
        {moving && !asset.deleted_at && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<Square size={13} aria-hidden />}
            loading={cancel.isPending}
            onClick={() => cancel.mutate(asset.id, { onError: (error) => toastProblem(error) })}
          >
            {t("asset.cancel")}
          </Button>
        )}
        {status === "failed" && !asset.deleted_at && (
          <Button
            size="compact-sm"
            leftSection={<RotateCcw size={14} aria-hidden />}
            loading={retry.isPending}
            onClick={() => retry.mutate(asset.id, { onError: (error) => toastProblem(error) })}
          >
            {t("asset.retry")}
          </Button>
        )}
      </Group>
      {status === "processing" && <HowFar asset={asset} />}
      {status === "failed" && <Failure asset={asset} />}
      <ul className={classes.made}>
        {RENDITIONS.map((name) => (
          <Made key={name} name={name} there={renditionsOf(asset)[name] !== null} status={status} />
        ))}
      </ul>
    </Stack>
  );
}

interface MadeProps {
  name: Rendition;
  there: boolean;
  status: ConversionStatus;
}

function Made({ name, there, status }: MadeProps) {
  const { t } = useTranslation();
  return (
    <li data-there={there || undefined}>
      <span>{t(`rendition.${name}`)}</span>
      <span>
        {there && <Check size={14} aria-hidden />}
        {t(there ? "asset.there" : status === "failed" ? "asset.notMade" : "asset.notThere")}
      </span>
    </li>
  );
}

function HowFar({ asset }: { asset: Asset }) {
  const { t } = useTranslation();
  const { data: live } = useQuery<Live | null>({
    queryKey: progressKey(asset.id),
    queryFn: () => null,
    enabled: false,
  });
  const percent = live?.percent ?? asset.progress;
  const stage = RENDITIONS.find((name) => name === live?.stage);
  return (
    <div data-part="progress">
      <Group justify="space-between" mb={4}>
        <Text size="sm">
          {stage ? t("asset.making", { name: t(`rendition.${stage}`) }) : t("asset.working")}
        </Text>
        <Text size="sm" className="tabular">
          {percent} %
        </Text>
      </Group>
      <Progress value={percent} aria-label={t("asset.progress")} />
    </div>
  );
}

/** What went wrong, and below it the last that ffmpeg said. */
function Failure({ asset }: { asset: Asset }) {
  const { t } = useTranslation();
  const [said = "", ...lines] = (asset.conversion_error ?? "").split("\n");
  return (
    <Alert
      color="red"
      variant="light"
      role="alert"
      icon={<CircleX size={18} aria-hidden />}
      title={t("asset.failed")}
    >
      <Text size="sm">{meaningOf(asset.conversion_error_code ?? "")?.detail ?? said}</Text>
      {lines.length > 0 && (
        <Code block mt="xs" className={classes.lines} tabIndex={0} aria-label={t("asset.lines")}>
          {lines.join("\n").trim()}
        </Code>
      )}
      {asset.conversion_error_code && (
        <Text size="xs" mt="xs" ff="monospace" c="var(--muted)">
          {asset.conversion_error_code}
        </Text>
      )}
    </Alert>
  );
}
