import { QueryClient, useInfiniteQuery } from "@tanstack/react-query";
import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { useEffect } from "react";
import { expect, it, vi } from "vitest";
import { Problem } from "@/api/problem";
import { show } from "@/testing/render";
import { ListEnd, useEndless } from "./endless";

it("does not ask again and again for a page that is refused, and goes on when told to", async () => {
  const load = vi.fn(async (from: number) => {
    if (from > 0 && load.mock.calls.length < 3) throw new Problem(500, { title: "Out of order" });
    return { items: [from], next: from + 1 };
  });

  function List() {
    const found = useInfiniteQuery({
      queryKey: ["list"],
      queryFn: ({ pageParam }) => load(pageParam),
      initialPageParam: 0,
      getNextPageParam: ({ next }) => (next < 2 ? next : undefined),
    });
    const { items, more } = useEndless(found);
    useEffect(more); // as a list does whose end is in sight
    return (
      <>
        <p>{items.join(" ")}</p>
        <ListEnd found={found} />
      </>
    );
  }

  show(<List />, new QueryClient({ defaultOptions: { queries: { retry: false } } }));
  expect(await screen.findByRole("alert")).toHaveTextContent("Out of order");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(load).toHaveBeenCalledTimes(2);
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  await waitFor(() => expect(screen.getByText("0 1")).toBeVisible());
  expect(screen.queryByRole("alert")).toBeNull();
});
