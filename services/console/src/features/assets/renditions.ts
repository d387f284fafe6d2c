import type { Asset } from "@/api/client";

/** In the order in which they are preferred for playing. */
export const RENDITIONS = ["webm", "mp4", "gif", "thumbnail"] as const;
export type Rendition = (typeof RENDITIONS)[number];

/** Where each rendition of an asset is; null as long as it does not exist. */
export function renditionsOf(asset: Asset): Record<Rendition, string | null> {
  const { webm_url, mp4_url, gif_url, thumbnail_url } = asset;
  return { webm: webm_url, mp4: mp4_url, gif: gif_url, thumbnail: thumbnail_url };
}
