import { Progress } from "@mantine/core";
import { useReducedMotion } from "@mantine/hooks";
import { Clapperboard, ImageOff } from "lucide-react";
import { useState } from "react";
import type { Asset } from "@/api/client";
import { duration } from "@/ui/format";
import classes from "./assets.module.css";

/** The thumbnail of an asset; the GIF while one points at it, unless motion is unwelcome. */
export function Picture({ asset, playing }: { asset: Asset; playing: boolean }) {
  const still = useReducedMotion();
  const [broken, setBroken] = useState<string | null>(null);
  const source = (playing && !still && asset.gif_url) || asset.thumbnail_url;
  const Empty = asset.conversion_status === "failed" ? ImageOff : Clapperboard;
  return (
    <div className={classes.picture}>
      {source && source !== broken ? (
        <img
          src={source}
          alt=""
          loading="lazy"
          decoding="async"
          draggable={false}
          onError={() => setBroken(source)}
        />
      ) : (
        <Empty size={26} strokeWidth={1.4} aria-hidden />
      )}
      {asset.duration_seconds !== null && (
        <span className={`${classes.length} tabular`}>{duration(asset.duration_seconds)}</span>
      )}
      {asset.conversion_status === "processing" && (
        <Progress
          className={classes.progress}
          value={asset.progress}
          size={3}
          radius={0}
          aria-hidden
        />
      )}
    </div>
  );
}
