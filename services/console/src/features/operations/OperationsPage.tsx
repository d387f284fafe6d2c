import { Skeleton, Stack } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { ListChecks } from "lucide-react";
import { useCallback, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Blank } from "@/ui/Blank";
import { LongList } from "@/ui/LongList";
import { PageHeader } from "@/ui/PageHeader";
import { ProblemBox } from "@/ui/ProblemBox";
import { OperationLine } from "./OperationLine";
import { operationsQuery } from "./queries";

/** What was done lately, by whom and on how many people; and the way back from each. */
export function OperationsPage() {
  const { t } = useTranslation();
  const found = useInfiniteQuery(operationsQuery());
  const items = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
  const more = useCallback(() => {
    if (found.hasNextPage && !found.isFetchingNextPage) void found.fetchNextPage();
  }, [found]);
  return (
    <>
      <PageHeader title={t("nav.operations")} />
      {found.isPending && (
        <Stack gap={6} aria-label={t("app.loading")}>
          {[0, 1, 2, 3, 4, 5].map((line) => (
            <Skeleton key={line} height={66} radius="md" />
          ))}
        </Stack>
      )}
      {found.error && <ProblemBox error={found.error} onRetry={() => void found.refetch()} />}
      {found.data && items.length === 0 && (
        <Blank icon={ListChecks} title={t("operations.none")} text={t("operations.noneText")} />
      )}
      {items.length > 0 && (
        <LongList
          label={t("nav.operations")}
          items={items}
          keyOf={({ id }) => id}
          height={78}
          onEnd={more}
        >
          {(operation) => <OperationLine operation={operation} />}
        </LongList>
      )}
    </>
  );
}
