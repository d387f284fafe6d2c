import { useElementSize } from "@mantine/hooks";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Asset } from "@/api/client";
import { AssetCard, AssetLine } from "./AssetCard";
import classes from "./assets.module.css";

const GAP = 16;
const NARROWEST_CARD = { base: 210, roomy: 250, wide: 290 };
const CARD_TEXT = 72;
const LINE = 64;
const LINE_GAP = 6;

export type View = "grid" | "list";

interface Props {
  assets: readonly Asset[];
  view: View;
  selected: ReadonlySet<string>;
  /** Which one the keyboard is at, or -1. */
  current: number;
  onCurrent: (index: number) => void;
  onSelect: (id: string, range: boolean) => void;
  /** More can be loaded and is wanted soon. */
  onEnd: () => void;
  /** Tells how many stand in a row. */
  onColumns: (columns: number) => void;
}

/** Assets as cards or lines; only those in sight exist, so ten thousand scroll like ten. */
export function AssetList({ assets, view, selected, current, onCurrent, ...told }: Props) {
  const { onSelect, onEnd, onColumns } = told;
  const { ref, width } = useElementSize();
  const start = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  const columns = view === "list" ? 1 : columnsIn(width);
  const rows = Math.ceil(assets.length / columns);
  const height = rowHeight(view, width, columns);
  const virtual = useWindowVirtualizer({
    count: width > 0 ? rows : 0,
    estimateSize: () => height,
    overscan: view === "list" ? 8 : 3,
    scrollMargin: margin,
  });
  useLayoutEffect(() => setMargin(start.current?.offsetTop ?? 0), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new height is measured anew
  useLayoutEffect(() => virtual.measure(), [height]);
  useEffect(() => onColumns(columns), [columns, onColumns]);
  useEffect(() => {
    if (current < 0) return;
    virtual.scrollToIndex(Math.floor(current / columns), { align: "auto" });
    const focus = () => {
      const item = start.current?.querySelector("[data-current]");
      if (item?.contains(document.activeElement)) return;
      item?.querySelector<HTMLElement>("a")?.focus({ preventScroll: true });
    };
    const frame = requestAnimationFrame(focus);
    return () => cancelAnimationFrame(frame);
  }, [current, columns, virtual]);
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows > 0 && last >= rows - 4) onEnd();
  }, [last, rows, onEnd]);
  const Item = view === "list" ? AssetLine : AssetCard;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only notes where in it the focus went
    <div
      ref={start}
      onFocus={({ target }) => {
        const id = target.closest<HTMLElement>("[data-asset]")?.dataset.asset;
        onCurrent(assets.findIndex((asset) => asset.id === id));
      }}
    >
      <div
        ref={ref}
        className={`${classes.grid} ${selected.size > 0 ? classes.selecting : ""}`}
        style={{ height: virtual.getTotalSize() }}
      >
        {items.map((row) => (
          <div
            key={row.key}
            className={classes.row}
            style={{
              gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
              transform: `translateY(${row.start - margin}px)`,
            }}
          >
            {assets.slice(row.index * columns, (row.index + 1) * columns).map((asset, place) => (
              <Item
                key={asset.id}
                asset={asset}
                selected={selected.has(asset.id)}
                current={row.index * columns + place === current}
                onSelect={onSelect}
              />
            ))}
          </div>
        ))}
      </div>
    </div>
  );
}

/** How many cards stand in a row: more room makes them larger as well. */
function columnsIn(width: number): number {
  const { base, roomy, wide } = NARROWEST_CARD;
  const narrowest = width > 1800 ? wide : width > 1200 ? roomy : base;
  return Math.max(1, Math.floor((width + GAP) / (narrowest + GAP)));
}

/** In pixels, with the gap below it. */
function rowHeight(view: View, width: number, columns: number): number {
  if (view === "list") return LINE + LINE_GAP;
  const card = (width - GAP * (columns - 1)) / columns;
  return Math.round((card * 9) / 16) + CARD_TEXT + GAP;
}
