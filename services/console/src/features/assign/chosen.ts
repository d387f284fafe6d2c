import { useCallback, useState } from "react";

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi;

/** The ids that somebody pasted; null if it is something else, such as a name. */
export function pastedIds(text: string): string[] | null {
  const ids = text.match(ID)?.map((id) => id.toLowerCase());
  if (!ids || text.replace(ID, "").match(/[^\s,;]/)) return null;
  return [...new Set(ids)];
}

/** Who is to be given something, in the order in which they were chosen. */
export function useChosen() {
  const [ids, setIds] = useState<readonly string[]>([]);
  const add = useCallback(
    (more: readonly string[]) => setIds((before) => [...new Set([...before, ...more])]),
    [],
  );
  const remove = useCallback((some: readonly string[]) => {
    const gone = new Set(some);
    setIds((before) => before.filter((id) => !gone.has(id)));
  }, []);
  return { ids, add, remove };
}
