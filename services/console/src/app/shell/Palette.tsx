import { useDebouncedValue } from "@mantine/hooks";
import "@mantine/spotlight/styles.css";
import { Spotlight, type SpotlightActionData, spotlight } from "@mantine/spotlight";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Film, Keyboard, Search, Upload } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api, ask } from "@/api/client";
import { chooseFiles } from "@/features/upload/FilePicker";
import { Face } from "@/features/users/Face";
import { PLACES } from "./navigation";

const MOST_FOUND = 6;
const FEWEST_LETTERS = 2;
const NOTHING = { assets: [], people: [] };

/** Goes anywhere, and finds any asset and anybody, from the keyboard; opens whenever `asked` grows. */
export function Palette({ asked, onHelp }: { asked: number; onHelp: () => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [query, setQuery] = useState("");
  const { assets, people, searching } = useFound(query);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it opens whenever it is asked for
  useEffect(() => spotlight.open(), [asked]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whenever something was found
  useEffect(selectFirst, [assets, people]);
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
        {
          group: t("nav.users"),
          actions: people.map((person) => ({
            id: person.id,
            label: person.name,
            description: person.email,
            leftSection: <Face name={person.name} size={22} />,
            onClick: () => void navigate({ to: "/users/$userId", params: { userId: person.id } }),
          })),
        },
      ]}
      nothingFound={t(searching ? "palette.searching" : "palette.nothing")}
      searchProps={{
        leftSection: <Search size={18} aria-hidden />,
        placeholder: t("palette.placeholder"),
        "aria-label": t("palette.placeholder"),
      }}
    />
  );
}

/** Has Enter open the first thing found: Spotlight selects one when words change, not when answers come. */
function selectFirst(): void {
  if (document.querySelector("[data-action][data-selected]")) return;
  document.querySelector("[data-action]")?.setAttribute("data-selected", "true");
}

/** The assets and people that have the words; what was found before stays until more is known. */
function useFound(query: string) {
  const words = query.trim();
  const [settled] = useDebouncedValue(words, 150);
  const wanted = { params: { query: { query: settled, limit: MOST_FOUND } } };
  const { data, isFetching } = useQuery({
    queryKey: ["palette", settled],
    queryFn: async () => {
      const [assets, people] = await Promise.all([
        ask(api.GET("/api/admin/assets", wanted)),
        ask(api.GET("/api/admin/users", wanted)),
      ]);
      return { assets: assets.items, people: people.items };
    },
    enabled: settled.length >= FEWEST_LETTERS,
    placeholderData: keepPreviousData,
  });
  const found = settled.length >= FEWEST_LETTERS && data ? data : NOTHING;
  const searching = words.length >= FEWEST_LETTERS && (isFetching || words !== settled);
  return { ...found, searching };
}
