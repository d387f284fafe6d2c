import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { assetQuery } from "./queries";

/** The title behind an asset's id; while it is unknown, a dash keeps its place. */
export function useTitleOf(id: string | null | undefined): string {
  const { data, isError } = useQuery({ ...assetQuery(id ?? ""), enabled: Boolean(id) });
  const { t } = useTranslation();
  if (!id) return t("users.nothing");
  return data?.title ?? (isError ? id.slice(0, 13) : "…");
}

/** The title behind an asset's id, as a link to it. */
export function AssetName({ id }: { id: string }) {
  return (
    <Link to="/assets/$assetId" params={{ assetId: id }} className="quiet-link">
      {useTitleOf(id)}
    </Link>
  );
}

/** The small picture of an asset. */
export function AssetThumb({ id, size = 72 }: { id: string | null; size?: number }) {
  const { data } = useQuery({ ...assetQuery(id ?? ""), enabled: Boolean(id) });
  return <Thumb url={data?.thumbnail_url} size={size} />;
}

/** A small picture, or the room for it. */
export function Thumb({ url, size = 72 }: { url: string | null | undefined; size?: number }) {
  return (
    <span className="thumb" style={{ width: size, height: (size * 9) / 16 }}>
      {url && <img src={url} alt="" loading="lazy" decoding="async" />}
    </span>
  );
}
