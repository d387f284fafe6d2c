import { useHotkeys } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import type { Asset } from "@/api/client";
import type { useSelection } from "./useSelection";

interface Keyed {
  assets: readonly Asset[];
  columns: number;
  selection: ReturnType<typeof useSelection>;
}

/**
 * J, K and the arrows move, Enter opens, X selects. Returns the place one is at, or -1, and how to
 * say that one went elsewhere.
 */
export function useListKeys({ assets, columns, selection }: Keyed) {
  const navigate = useNavigate();
  const [current, setCurrent] = useState(-1);
  useEffect(() => setCurrent((at) => Math.min(at, assets.length - 1)), [assets.length]);
  const move = (by: number) => () =>
    setCurrent((at) => (at < 0 ? 0 : Math.max(0, Math.min(assets.length - 1, at + by))));
  const asset = assets[current];
  useHotkeys([
    ["j", move(1)],
    ["k", move(-1)],
    ["ArrowDown", move(columns)],
    ["ArrowUp", move(-columns)],
    ["ArrowRight", move(1)],
    ["ArrowLeft", move(-1)],
    ["x", () => asset && selection.toggle(asset.id, false)],
    ["shift+x", () => asset && selection.toggle(asset.id, true)],
    ["mod+a", selection.all],
    ["Escape", selection.none, { preventDefault: false }],
    [
      "Enter",
      (event) => {
        if (!asset || isPressed(event.target)) return;
        void navigate({ to: "/assets/$assetId", params: { assetId: asset.id } });
      },
      { preventDefault: false },
    ],
  ]);
  return [current, setCurrent] as const;
}

/** Whether the key belongs to a button or link that has the focus. */
function isPressed(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("a, button, [role=button]") !== null;
}
