import { Text, UnstyledButton } from "@mantine/core";
import {
  ArchiveRestore,
  Film,
  KeyRound,
  type LucideIcon,
  RefreshCw,
  RotateCcw,
  ScrollText,
  Trash2,
  Undo2,
  Upload,
  User,
  UserPlus,
  Users,
} from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useTitleOf } from "@/features/assets/AssetName";
import { useNameOf } from "@/features/users/Person";
import { Ago } from "@/ui/Ago";
import classes from "./audit.module.css";
import type { Action } from "./filters";
import type { Entry } from "./queries";
import { stepOf } from "./step";

const SIGNS: Partial<Record<Action, LucideIcon>> = {
  assigned: UserPlus,
  bulk_assigned: Users,
  bulk_attempt_failed: Users,
  undone: Undo2,
  reverted: RotateCcw,
  conversion_status_changed: Film,
  retried: RefreshCw,
  asset_uploaded: Upload,
  asset_deleted: Trash2,
  asset_restored: ArchiveRestore,
  user_created: User,
  user_changed: User,
  api_key_created: KeyRound,
  api_key_deleted: KeyRound,
};

/** One entry of the trail in a line, which opens its details. */
export function EntryLine({ entry, onOpen }: { entry: Entry; onOpen: () => void }) {
  const { t } = useTranslation();
  const Sign = SIGNS[entry.action] ?? ScrollText;
  return (
    <UnstyledButton
      className={`${classes.line} row-panel`}
      onClick={onOpen}
      data-action={entry.action}
    >
      <Sign size={17} strokeWidth={1.8} aria-hidden className={classes.sign} />
      <span className={classes.what}>
        <Text component="span" size="sm" fw={600}>
          {t(`action.${entry.action}`)}
        </Text>{" "}
        <Text component="span" size="sm" c="var(--muted)">
          <Subject entry={entry} />
        </Text>
      </span>
      <span className={`${classes.quiet} clip`}>{entry.admin.name ?? t("users.apiKey")}</span>
      <span className={`${classes.quiet} clip`}>
        <Ago time={entry.performed_at} />
      </span>
      <span className={`${classes.quiet} ${classes.seq} tabular`}>#{entry.seq}</span>
    </UnstyledButton>
  );
}

/** What or whom an entry is about, in a few words. */
function Subject({ entry }: { entry: Entry }) {
  const { t } = useTranslation();
  const many = entry.user_id === null && entry.metadata?.user_count;
  const step = stepOf(entry);
  const parts: ReactNode[] = [
    entry.asset_id && <Title key="asset" entry={entry} id={entry.asset_id} />,
    entry.user_id && <Name key="user" id={entry.user_id} />,
    typeof many === "number" && t("operations.people", { count: many }),
    step && `${t(`status.${step.from}`)} → ${t(`status.${step.to}`)}`,
  ].filter(Boolean);
  return parts.flatMap((part, at) => (at > 0 ? [" · ", part] : [part]));
}

function Title({ entry, id }: { entry: Entry; id: string }) {
  return entry.asset?.title ?? <Looked id={id} />;
}

function Looked({ id }: { id: string }) {
  return useTitleOf(id);
}

function Name({ id }: { id: string }) {
  return useNameOf(id);
}
