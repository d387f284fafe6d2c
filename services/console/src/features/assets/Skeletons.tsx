import { Skeleton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { View } from "./AssetList";

/** The shape of what is to come. */
export function Skeletons({ view }: { view: View }) {
  const { t } = useTranslation();
  const list = view === "list";
  return (
    <div
      role="status"
      aria-label={t("app.loading")}
      style={{
        display: "grid",
        gap: list ? 6 : 16,
        gridTemplateColumns: list ? "1fr" : "repeat(auto-fill, minmax(210px, 1fr))",
      }}
    >
      {Array.from({ length: list ? 10 : 18 }, (_, place) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <Skeleton key={place} height={list ? 64 : 196} radius={list ? 10 : 12} />
      ))}
    </div>
  );
}
