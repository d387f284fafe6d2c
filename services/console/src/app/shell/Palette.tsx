import { useDebouncedValue } from "@mantine/hooks";
import "@mantine/spotlight/styles.css";
import { Spotlight, type SpotlightActionData, spotlight } from "@mantine/spotlight";
import { useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Film, Keyboard, Search, Upload } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask } from "@/api/client";
import { chooseFiles } from "@/features/upload/FilePicker";
import { PLACES } from "./navigation";

const MOST_FOUND = 6;

/** Goes anywhere and finds any asset, from the keyboard; opens whenever `asked` grows. */
export function Palette({ asked, onHelp }: { asked: number; onHelp: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [query, setQuery] = useState("");
  const assets = useFoundAssets(query);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it opens whenever it is asked for
  useEffect(() => spotlight.open(), [asked]);
  const places: SpotlightActionData[] = [
    ...PLACES.map(({ to, name, icon: Icon }) => ({
      id: to,
      label: t(`nav.${name}`),
      leftSection: <Icon size={18} aria-hidden />,
      onClick: () => void navigate({ to }),
    })),
    {
      id: "upload",
      label: t("upload.choose"),
      leftSection: <Upload size={18} aria-hidden />,
      onClick: chooseFiles,
    },
    {
      id: "help",
      label: t("help.title"),
      leftSection: <Keyboard size={18} aria-hidden />,
      onClick: onHelp,
    },
  ];
  const wanted = query.trim().toLowerCase();
  const found = places.filter(({ label }) => label?.toLowerCase().includes(wanted));
  return (
    <Spotlight
      shortcut={null}
      attributes={{ content: { "aria-label": t("app.search") } }}
      query={query}
      onQueryChange={setQuery}
      filter={(_, actions) => actions}
      actions={[
        { group: t("palette.go"), actions: found },
        {
          group: t("nav.assets"),
          actions: assets.map((asset) => ({
            id: asset.id,
            label: asset.title,
            description: asset.filename,
            leftSection: <Film size={18} aria-hidden />,
            onClick: () => void navigate({ to: "/assets/$assetId", params: { assetId: asset.id } }),
          })),
        },
      ]}
      nothingFound={t("palette.nothing")}
      searchProps={{
        leftSection: <Search size={18} aria-hidden />,
        placeholder: t("palette.placeholder"),
        "aria-label": t("palette.placeholder"),
      }}
    />
  );
}

function useFoundAssets(query: string) {
  const [settled] = useDebouncedValue(query.trim(), 150);
  const { data } = useQuery({
    queryKey: ["palette", settled],
    queryFn: () =>
      ask(
        api.GET("/api/admin/assets", { params: { query: { query: settled, limit: MOST_FOUND } } }),
      ),
    enabled: settled.length > 1,
  });
  return settled.length > 1 ? (data?.items ?? []) : [];
}
