import { act, renderHook } from "@testing-library/react";
import { expect, it } from "vitest";
import { useSelection } from "./useSelection";

it("selects a reach, by the same function however the list grows", () => {
  const { result, rerender } = renderHook(({ ids }) => useSelection(ids), {
    initialProps: { ids: ["a", "b"] },
  });
  const { toggle } = result.current;
  act(() => toggle("a", false));
  rerender({ ids: ["a", "b", "c", "d"] });
  expect(result.current.toggle).toBe(toggle);
  act(() => toggle("c", true));
  expect([...result.current.selected]).toEqual(["a", "b", "c"]);
  rerender({ ids: ["b", "c", "d"] });
  expect([...result.current.selected]).toEqual(["b", "c"]);
});
