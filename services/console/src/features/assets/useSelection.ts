import { useCallbackRef } from "@mantine/hooks";
import { useCallback, useMemo, useState } from "react";

/** Which items of a list are selected; those that are not listed any more are not. */
export function useSelection(ids: readonly string[]) {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [anchor, setAnchor] = useState<string | null>(null);
  const selected = useMemo(() => new Set(ids.filter((id) => chosen.has(id))), [ids, chosen]);

  // The same for good: cards that are given another are drawn anew, all of them with every page.
  const toggle = useCallbackRef((id: string, range: boolean) => {
    setChosen((before) => {
      const after = new Set(before);
      const on = !before.has(id);
      const reach = range && anchor ? between(ids, anchor, id) : [id];
      for (const each of reach) on ? after.add(each) : after.delete(each);
      return after;
    });
    setAnchor(id);
  });
  const all = useCallback(() => setChosen(new Set(ids)), [ids]);
  const none = useCallback(() => setChosen(new Set()), []);
  return { selected, toggle, all, none };
}

/** The items from one to another, in the order of the list. */
export function between(ids: readonly string[], one: string, other: string): readonly string[] {
  const [from, to] = [ids.indexOf(one), ids.indexOf(other)].sort((a, b) => a - b);
  if (from === undefined || to === undefined || from < 0) return [other];
  return ids.slice(from, to + 1);
}
