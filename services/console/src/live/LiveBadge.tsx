import { Badge, Tooltip } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useLiveState } from "./LiveProvider";

const COLOURS = {
  connecting: "gray",
  live: "teal",
  reconnecting: "yellow",
  polling: "blue",
} as const;

/** A quiet word on the connection; nothing needs a reload, whatever it says. */
export function LiveBadge() {
  const { t } = useTranslation();
  const state = useLiveState();
  return (
    <Tooltip label={t(`live.${state}Hint`)} multiline maw={260}>
      <Badge
        variant="dot"
        color={COLOURS[state]}
        size="sm"
        role="status"
        aria-live="polite"
        tabIndex={0}
        data-live={state}
        tt="none"
        fw={500}
      >
        {t(`live.${state}`)}
      </Badge>
    </Tooltip>
  );
}
