import { Code, Drawer, Text } from "@mantine/core";
import { ArrowRight } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { AssetName, AssetThumb, useTitleOf } from "@/features/assets/AssetName";
import { Person } from "@/features/users/Person";
import { Fact } from "@/ui/Fact";
import { moment } from "@/ui/format";
import classes from "./audit.module.css";
import { MoreFacts } from "./MoreFacts";
import type { Entry } from "./queries";
import { stepOf } from "./step";

interface Props {
  /** The one that is opened, or was: it is seen while the drawer closes. */
  entry: Entry | null;
  opened: boolean;
  onClose: () => void;
}

/** All that an entry says: who, what, when and why; and what was before and after. */
export function EntryDetails({ entry, opened, onClose }: Props) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={opened}
      onClose={onClose}
      position="right"
      size="md"
      title={entry ? t(`action.${entry.action}`) : ""}
    >
      {entry && <Details entry={entry} />}
    </Drawer>
  );
}

function Details({ entry }: { entry: Entry }) {
  const { t } = useTranslation();
  return (
    <>
      <BeforeAfter entry={entry} />
      <dl className={classes.details}>
        <Fact name={t("audit.when")}>{moment(entry.performed_at)}</Fact>
        <Fact name={t("audit.by")}>
          {entry.admin.kind === "user" ? (
            <Person id={entry.performed_by} />
          ) : (
            (entry.admin.name ?? t("users.apiKey"))
          )}
          {entry.admin.email && ` (${entry.admin.email})`}
        </Fact>
        {entry.user_id && (
          <Fact name={t("audit.user")}>
            <Person id={entry.user_id} />
          </Fact>
        )}
        {entry.asset_id && (
          <Fact name={t("audit.asset")}>
            <AssetName id={entry.asset_id} />
          </Fact>
        )}
        {entry.reason && <Fact name={t("users.reason")}>{entry.reason}</Fact>}
        <MoreFacts entry={entry} />
        <Fact name={t("audit.number")}>#{entry.seq}</Fact>
        <Fact name={t("audit.recorded")}>{moment(entry.recorded_at)}</Fact>
        <Fact name={t("audit.event")}>
          <Code>{entry.event_id}</Code>
        </Fact>
        {entry.operation_id && (
          <Fact name={t("audit.operation")}>
            <Code>{entry.operation_id}</Code>
          </Fact>
        )}
        {entry.assignment_id && (
          <Fact name={t("audit.assignment")}>
            <Code>{entry.assignment_id}</Code>
          </Fact>
        )}
      </dl>
    </>
  );
}

/** What somebody had before and after; or what state an asset was in. */
function BeforeAfter({ entry }: { entry: Entry }) {
  const { t } = useTranslation();
  const step = stepOf(entry);
  if (step) return <Sides before={t(`status.${step.from}`)} after={t(`status.${step.to}`)} />;
  const restored_asset_id = entry.metadata?.restored_asset_id;
  if (!entry.user_id || !entry.assignment_id) return null;
  const taken = entry.action === "undone" || entry.action === "reverted";
  const back = typeof restored_asset_id === "string" ? restored_asset_id : null;
  return (
    <AssetSides
      before={taken ? entry.asset_id : entry.previous_asset_id}
      after={taken ? back : entry.asset_id}
    />
  );
}

function AssetSides({ before, after }: { before: string | null; after: string | null }) {
  const [old, now] = [useTitleOf(before), useTitleOf(after)];
  return (
    <Sides
      before={old}
      after={now}
      pictures={[
        <AssetThumb key="b" id={before} size={120} />,
        <AssetThumb key="a" id={after} size={120} />,
      ]}
    />
  );
}

interface SidesProps {
  before: string;
  after: string;
  pictures?: [ReactNode, ReactNode];
}

function Sides({ before, after, pictures }: SidesProps) {
  const { t } = useTranslation();
  return (
    <div className={classes.sides}>
      <div>
        <Text size="xs" c="var(--muted)">
          {t("audit.before")}
        </Text>
        {pictures?.[0]}
        <Text size="sm" fw={600}>
          {before}
        </Text>
      </div>
      <ArrowRight size={18} aria-hidden />
      <div>
        <Text size="xs" c="var(--muted)">
          {t("audit.after")}
        </Text>
        {pictures?.[1]}
        <Text size="sm" fw={600}>
          {after}
        </Text>
      </div>
    </div>
  );
}
