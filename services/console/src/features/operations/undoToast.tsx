import { Group, Text } from "@mantine/core";
import { useFocusWithin, useHover, useMergedRef } from "@mantine/hooks";
import { notifications } from "@mantine/notifications";
import { Check } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useCountdown } from "@/api/clock";
import { toastIdOf, type Undoable } from "./takingBack";
import { UndoButton } from "./UndoButton";

const LINGERS_MS = 4_000;

/** Offers to undo what was just done, as long as that can be done. */
export function toastUndo(operation: Undoable, message: string): void {
  notifications.show({
    id: toastIdOf(operation.id),
    message: <UndoToast operation={operation} message={message} />,
    role: "status",
    color: "teal",
    icon: <Check size={16} aria-hidden />,
    autoClose: false,
  });
}

/** It goes by itself once the window is over, but not under somebody's pointer or focus. */
function UndoToast({ operation, message }: { operation: Undoable; message: string }) {
  const { t } = useTranslation();
  const seconds = useCountdown(operation.expiresAt);
  const { hovered, ref: pointed } = useHover<HTMLDivElement>();
  const { focused, ref: within } = useFocusWithin<HTMLDivElement>();
  const over = seconds === 0;
  useEffect(() => {
    if (!over || hovered || focused) return;
    const timer = setTimeout(() => notifications.hide(toastIdOf(operation.id)), LINGERS_MS);
    return () => clearTimeout(timer);
  }, [over, hovered, focused, operation.id]);
  return (
    <Group ref={useMergedRef(pointed, within)} justify="space-between" gap="xs" wrap="nowrap">
      <Text size="sm">
        {message} {over && t("operations.windowOver")}
      </Text>
      <UndoButton operation={operation} announcing />
    </Group>
  );
}
