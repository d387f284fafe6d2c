import { Alert, Button, Group, RingProgress, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { CircleCheck, Undo2 } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/api/client";
import { useCountdown } from "@/api/clock";
import { operationQuery } from "@/features/operations/queries";
import type { Undoable } from "@/features/operations/takingBack";
import { UndoButton } from "@/features/operations/UndoButton";
import type { Given } from "./queries";

const WINDOW = 30;

interface Props {
  asset: Asset;
  given: Given;
  operation: Undoable;
  onClose: () => void;
  onUndone: () => void;
}

/** What was done, and how long it can be undone by the server's clock. */
export function Confirmation({ asset, given, operation, onClose, onUndone }: Props) {
  const { t } = useTranslation();
  const { data } = useQuery(operationQuery(operation.id));
  const undone = data?.status === "undone";
  const seconds = useCountdown(undone ? null : given.expiresAt);
  return (
    <Stack gap="md" data-part="confirmation">
      <Alert
        color={undone ? "gray" : "teal"}
        variant="light"
        role="status"
        icon={undone ? <Undo2 aria-hidden /> : <CircleCheck aria-hidden />}
        title={t(undone ? "assign.undone" : "assign.done")}
      >
        {wordsOf(given, asset.title, t)}
      </Alert>
      {seconds !== null && (
        <Group wrap="nowrap" className="panel" justify="space-between">
          <Group wrap="nowrap">
            <Ring seconds={seconds} />
            <Text size="sm" aria-live="off" data-part="countdown">
              {seconds > 0 ? t("assign.countdown", { count: seconds }) : t("operations.windowOver")}
            </Text>
          </Group>
          <UndoButton operation={operation} announcing onUndone={onUndone} />
        </Group>
      )}
      <Group justify="flex-end">
        <Button onClick={onClose} data-autofocus>
          {t("app.close")}
        </Button>
      </Group>
    </Stack>
  );
}

function Ring({ seconds }: { seconds: number }) {
  const left = Math.min(100, (seconds / WINDOW) * 100);
  return (
    <RingProgress
      aria-hidden
      size={52}
      thickness={5}
      roundCaps
      style={{ flex: "none" }}
      sections={[{ value: left, color: seconds > 10 ? "iris" : "orange" }]}
      label={
        <Text ta="center" size="sm" fw={650} className="tabular">
          {seconds}
        </Text>
      }
    />
  );
}

type T = ReturnType<typeof useTranslation>["t"];

/** What was done, in words. */
export function wordsOf({ users, unchanged, name }: Given, title: string, t: T): string {
  if (name && users > 0) return t("assign.givenTo", { name, title });
  const told = users > 0 ? [t("assign.given", { count: users, title })] : [];
  if (unchanged > 0) told.push(t("assign.unchanged", { count: unchanged, title }));
  return told.join(" ");
}
