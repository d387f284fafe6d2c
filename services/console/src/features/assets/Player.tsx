import { useReducedMotion } from "@mantine/hooks";
import { useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import type { Asset } from "@/api/client";
import { assetQuery } from "./queries";
import { type Rendition, renditionsOf } from "./renditions";

interface Props {
  asset: Asset;
  rendition: Rendition;
  /** Begins by itself, without sound and again and again, as on a profile. */
  ambient?: boolean;
}

/** Plays a rendition; switching to another goes on at the same place. */
export function Player({ asset, rendition, ambient = false }: Props) {
  const queries = useQueryClient();
  const url = renditionsOf(asset)[rendition] ?? "";
  const [source, renew] = useSteady(url);
  const still = useReducedMotion();
  const place = useRef(0);
  const lost = () => {
    if (source !== url) return renew();
    void queries.invalidateQueries({ queryKey: assetQuery(asset.id).queryKey });
  };
  if (rendition === "gif" || rendition === "thumbnail") {
    return <img src={source} alt={asset.title} data-rendition={rendition} onError={lost} />;
  }
  return (
    <video
      key={rendition}
      src={source}
      poster={asset.thumbnail_url ?? undefined}
      data-rendition={rendition}
      aria-label={asset.title}
      controls
      playsInline
      muted={ambient}
      autoPlay={ambient && !still}
      loop={ambient}
      preload="metadata"
      onLoadedMetadata={({ currentTarget }) => {
        if (place.current > 0) currentTarget.currentTime = place.current;
      }}
      onTimeUpdate={({ currentTarget }) => {
        place.current = currentTarget.currentTime;
      }}
      onError={lost}
    />
  );
}

/** A signed address stays the same file when it is signed anew; a film must not start over. */
function useSteady(url: string): [string, () => void] {
  const [kept, setKept] = useState(url);
  if (fileOf(kept) !== fileOf(url)) setKept(url);
  return [kept, () => setKept(url)];
}

function fileOf(url: string): string {
  return url.split("?", 1)[0] ?? url;
}
