import { Group, Loader } from "@mantine/core";
import type { InfiniteData, UseInfiniteQueryResult } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { ProblemBox } from "./ProblemBox";

type Found<Item> = UseInfiniteQueryResult<InfiniteData<{ items: Item[] }>>;

/** The pages of a list as one; `more` loads another, unless the last one was refused. */
export function useEndless<Item>(found: Found<Item>) {
  const { data, hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage } = found;
  const items = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage && !isFetchNextPageError) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, isFetchNextPageError, fetchNextPage]);
  return { items, more };
}

/** What stands below a list that goes on: more is on its way, or why it did not come. */
export function ListEnd<Item>({ found }: { found: Found<Item> }) {
  const { t } = useTranslation();
  if (found.isFetchingNextPage) {
    return (
      <Group justify="center" p="md">
        <Loader size="sm" type="dots" aria-label={t("app.loading")} />
      </Group>
    );
  }
  if (!found.isFetchNextPageError) return null;
  return <ProblemBox error={found.error} onRetry={() => void found.fetchNextPage()} />;
}
