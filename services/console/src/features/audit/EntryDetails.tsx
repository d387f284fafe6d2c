import { Code, Drawer, Text } from "@mantine/core";
import { ArrowRight } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { AssetName, AssetThumb, useTitleOf } from "@/features/assets/AssetName";
import { Person } from "@/features/users/Person";
import { moment } from "@/ui/format";
import classes from "./audit.module.css";
import type { Entry } from "./queries";

/** All that an entry says: who, what, when and why; and what was before and after. */
export function EntryDetails({ entry, onClose }: { entry: Entry | null; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened={entry !== null}
      onClose={onClose}
      position="right"
      size="md"
      title={entry ? t(`action.${entry.action}`) : ""}
      closeButtonProps={{ "aria-label": t("app.close") }}
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
        <Row name={t("audit.when")}>{moment(entry.performed_at)}</Row>
        <Row name={t("audit.by")}>
          {entry.admin.kind === "user" ? (
            <Person id={entry.performed_by} />
          ) : (
            (entry.admin.name ?? t("users.apiKey"))
          )}
          {entry.admin.email && ` (${entry.admin.email})`}
        </Row>
        {entry.user_id && (
          <Row name={t("audit.user")}>
            <Person id={entry.user_id} />
          </Row>
        )}
        {entry.asset_id && (
          <Row name={t("audit.asset")}>
            <AssetName id={entry.asset_id} />
          </Row>
        )}
        {entry.reason && <Row name={t("users.reason")}>{entry.reason}</Row>}
        {Object.entries(entry.metadata ?? {}).map(([name, value]) => (
          <Row key={name} name={name.replaceAll("_", " ")}>
            {typeof value === "string" ? value : JSON.stringify(value)}
          </Row>
        ))}
        <Row name={t("audit.number")}>#{entry.seq}</Row>
        <Row name={t("audit.recorded")}>{moment(entry.recorded_at)}</Row>
        <Row name={t("audit.event")}>
          <Code>{entry.event_id}</Code>
        </Row>
        {entry.operation_id && (
          <Row name={t("audit.operation")}>
            <Code>{entry.operation_id}</Code>
          </Row>
        )}
        {entry.assignment_id && (
          <Row name={t("audit.assignment")}>
            <Code>{entry.assignment_id}</Code>
          </Row>
        )}
      </dl>
    </>
  );
}

/** What somebody had before and after; or what state an asset was in. */
function BeforeAfter({ entry }: { entry: Entry }) {
  const { old_status, new_status, restored_asset_id } = entry.metadata ?? {};
  if (typeof old_status === "string" && typeof new_status === "string") {
    return <Sides before={old_status} after={new_status} />;
  }
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

function Row({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
