import { Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import i18next from "i18next";

/** Asks whether so many assets are to be deleted. */
export function askRemoval(count: number, onConfirm: () => void): void {
  modals.openConfirmModal({
    title: i18next.t("assets.remove", { count }),
    children: <Text size="sm">{i18next.t("assets.removeText")}</Text>,
    labels: { confirm: i18next.t("assets.delete"), cancel: i18next.t("app.cancel") },
    confirmProps: { color: "red" },
    onConfirm,
  });
}
