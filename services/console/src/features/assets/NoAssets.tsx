import { Button, Kbd, Text } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Clapperboard, SearchX } from "lucide-react";
import { useTranslation } from "react-i18next";
import { chooseFiles } from "@/features/upload/FilePicker";
import { Blank } from "@/ui/Blank";
import { modKey } from "@/ui/keys";

/** Nothing was uploaded yet, or nothing fits the filters. */
export function NoAssets({ filtered }: { filtered: boolean }) {
  const { t } = useTranslation();
  if (filtered) {
    return (
      <Blank icon={SearchX} title={t("assets.nothingFound")} text={t("assets.nothingFoundText")}>
        <Button component={Link} to="/assets" variant="light" mt="xs">
          {t("assets.showAll")}
        </Button>
      </Blank>
    );
  }
  return (
    <Blank icon={Clapperboard} title={t("assets.empty")} text={t("assets.emptyText")}>
      <Button onClick={chooseFiles} mt="xs">
        {t("upload.choose")}
      </Button>
      <Text size="xs" c="var(--muted)" mt="xs">
        {t("assets.emptyHint")} <Kbd size="xs">{modKey()} K</Kbd>
      </Text>
    </Blank>
  );
}
