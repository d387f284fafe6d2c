import { Button, Text } from "@mantine/core";
import { RotateCcw, Undo2, UserPlus, Users } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { AssetName, Thumb } from "@/features/assets/AssetName";
import { Ago } from "@/ui/Ago";
import type { HistoryEntry } from "./queries";
import { RevertModal } from "./RevertModal";
import classes from "./users.module.css";

const SIGNS = { assigned: UserPlus, bulk_assigned: Users, undone: Undo2, reverted: RotateCcw };

interface Props {
  userId: string;
  entries: readonly HistoryEntry[];
}

/** What somebody was given and what was taken back, newest first, with the way back from each. */
export function Timeline({ userId, entries }: Props) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<HistoryEntry | null>(null);
  const back = new Set(
    entries.filter((entry) => !gives(entry)).map(({ assignment_id }) => assignment_id),
  );
  return (
    <>
      <ol className={classes.timeline}>
        {entries.map((entry) => (
          <li key={entry.id} data-action={entry.action}>
            <Sign entry={entry} />
            <Thumb url={entry.asset?.thumbnail_url} size={64} />
            <div className={classes.told}>
              <Text size="sm" fw={600} className="clip">
                {entry.asset_id ? <AssetName id={entry.asset_id} /> : t("users.nothing")}
              </Text>
              <Text size="xs" c="var(--muted)">
                {t(`action.${entry.action}`)} · <Ago time={entry.performed_at} /> ·{" "}
                {entry.admin.name ?? t("users.apiKey")}
              </Text>
              {entry.reason && (
                <Text size="xs" fs="italic">
                  “{entry.reason}”
                </Text>
              )}
            </div>
            <RevertButton
              entry={entry}
              takenBack={back.has(entry.assignment_id)}
              onAsk={() => setAsked(entry)}
            />
          </li>
        ))}
      </ol>
      {asked?.assignment_id && (
        <RevertModal
          key={asked.id}
          userId={userId}
          assignmentId={asked.assignment_id}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}

function gives({ action }: HistoryEntry): boolean {
  return action === "assigned" || action === "bulk_assigned";
}

interface RevertButtonProps {
  entry: HistoryEntry;
  takenBack: boolean;
  onAsk: () => void;
}

function RevertButton({ entry, takenBack, onAsk }: RevertButtonProps) {
  const { t } = useTranslation();
  const able = gives(entry) && entry.assignment_id !== null && !takenBack;
  return (
    <Button
      variant="default"
      size="compact-sm"
      disabled={!able}
      title={able ? undefined : t("users.takenBack")}
      leftSection={<RotateCcw size={14} aria-hidden />}
      onClick={onAsk}
    >
      {t("users.revert")}
    </Button>
  );
}

function Sign({ entry }: { entry: HistoryEntry }) {
  const Icon = SIGNS[entry.action as keyof typeof SIGNS] ?? UserPlus;
  return (
    <span className={classes.sign}>
      <Icon size={14} aria-hidden />
    </span>
  );
}
