import { useHotkeys } from "@mantine/hooks";
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { memo, type ReactNode, useEffect, useLayoutEffect, useRef, useState } from "react";

const GAP = 6;

interface Props<Item> {
  label: string;
  items: readonly Item[];
  keyOf: (item: Item) => string;
  /** In pixels, with the gap below it, as far as it can be known; what is shown is measured. */
  height: number;
  children: (item: Item) => ReactNode;
  /** More can be loaded and is wanted soon. */
  onEnd: () => void;
}

interface RowProps<Item> {
  item: Item;
  children: (item: Item) => ReactNode;
}

/** Rendered anew only for another item: the list around it is with every frame of a scroll. */
const Row = memo(({ item, children }: RowProps<unknown>) => children(item)) as <Item>(
  props: RowProps<Item>,
) => ReactNode;

/**
 * A list of which only what is in sight exists. J, K and the arrows go through its rows: the
 * first link or button of each takes the focus, and Enter does what a click would. Whatever else
 * in a row takes the focus, they go on from there.
 */
export function LongList<Item>({ label, items, keyOf, height, children, onEnd }: Props<Item>) {
  const root = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  const [current, setCurrent] = useState(-1);
  const virtual = useWindowVirtualizer({
    count: items.length,
    estimateSize: () => height,
    overscan: 8,
    scrollMargin: margin,
    getItemKey: (index) => keyOf(items[index] as Item),
  });
  useLayoutEffect(() => setMargin(root.current?.offsetTop ?? 0), []);
  const rows = virtual.getVirtualItems();
  const last = rows.at(-1)?.index ?? -1;
  useEffect(() => {
    if (last >= items.length - 10) onEnd();
  }, [last, items.length, onEnd]);
  const move = (by: number) => () =>
    setCurrent((at) => Math.max(0, Math.min(items.length - 1, at + by)));
  useHotkeys([
    ["j", move(1)],
    ["k", move(-1)],
    ["ArrowDown", move(1)],
    ["ArrowUp", move(-1)],
  ]);
  useEffect(() => {
    if (current < 0) return;
    virtual.scrollToIndex(current, { align: "auto" });
    const focus = () => {
      const row = root.current?.querySelector(`[data-index="${current}"]`);
      if (row?.contains(document.activeElement)) return;
      row?.querySelector<HTMLElement>("a, button")?.focus({ preventScroll: true });
    };
    const frame = requestAnimationFrame(focus);
    return () => cancelAnimationFrame(frame);
  }, [current, virtual]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: rows stand at absolute places, which ul is not for
    <div
      ref={root}
      role="list"
      aria-label={label}
      style={{ position: "relative", height: virtual.getTotalSize() }}
    >
      {rows.map((row) => (
        // biome-ignore lint/a11y/useSemanticElements: as above
        <div
          key={row.key}
          ref={virtual.measureElement}
          data-index={row.index}
          role="listitem"
          aria-posinset={row.index + 1}
          aria-setsize={-1}
          onFocus={() => setCurrent(row.index)}
          style={{
            position: "absolute",
            top: 0,
            left: 0,
            width: "100%",
            paddingBottom: GAP,
            transform: `translateY(${row.start - margin}px)`,
          }}
        >
          <Row item={items[row.index] as Item}>{children}</Row>
        </div>
      ))}
    </div>
  );
}
