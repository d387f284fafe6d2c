import { Button, Menu, Skeleton, Stack } from "@mantine/core";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowUp, Download, ScrollText } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Blank } from "@/ui/Blank";
import { LongList } from "@/ui/LongList";
import { PageHeader } from "@/ui/PageHeader";
import { ProblemBox } from "@/ui/ProblemBox";
import { EntryDetails } from "./EntryDetails";
import { EntryLine } from "./EntryLine";
import { FilterBar } from "./FilterBar";
import { type Filters, readFilters } from "./filters";
import { type Entry, exportUrl, newestQuery, trailQuery } from "./queries";
import { Verification } from "./Verification";

/** Everything that was ever done, and the proof that nobody changed it. */
export function AuditPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const filters = readFilters(useSearch({ strict: false }));
  const found = useInfiniteQuery(trailQuery(filters));
  const entries = useMemo(
    () => found.data?.pages.flatMap(({ items }) => items) ?? [],
    [found.data],
  );
  const [opened, setOpened] = useState<Entry | null>(null);
  const more = useCallback(() => {
    if (found.hasNextPage && !found.isFetchingNextPage) void found.fetchNextPage();
  }, [found]);
  return (
    <>
      <PageHeader title={t("nav.audit")}>
        <Export filters={filters} />
      </PageHeader>
      <Verification />
      <FilterBar
        filters={filters}
        onChange={(search) => void navigate({ to: "/audit", search, replace: true })}
      />
      <Newer
        filters={filters}
        shown={entries[0]?.seq ?? 0}
        loaded={found.data?.pages.length ?? 0}
      />
      {found.isPending && (
        <Stack gap={6} aria-label={t("app.loading")}>
          {[0, 1, 2, 3, 4, 5, 6, 7].map((line) => (
            <Skeleton key={line} height={52} radius="md" />
          ))}
        </Stack>
      )}
      {found.error && <ProblemBox error={found.error} onRetry={() => void found.refetch()} />}
      {found.data && entries.length === 0 && (
        <Blank icon={ScrollText} title={t("audit.none")} text={t("audit.noneText")} />
      )}
      {entries.length > 0 && (
        <LongList
          label={t("nav.audit")}
          items={entries}
          keyOf={({ id }) => id}
          height={58}
          onEnd={more}
        >
          {(entry) => <EntryLine entry={entry} onOpen={() => setOpened(entry)} />}
        </LongList>
      )}
      <EntryDetails entry={opened} onClose={() => setOpened(null)} />
    </>
  );
}

function Export({ filters }: { filters: Filters }) {
  const { t } = useTranslation();
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<Download size={16} aria-hidden />}>
          {t("audit.export")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {(["jsonl", "csv"] as const).map((format) => (
          <Menu.Item key={format} component="a" href={exportUrl(filters, format)} download>
            {t(`audit.${format}`)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

interface NewerProps {
  filters: Filters;
  /** The number of the first entry that is shown. */
  shown: number;
  /** How many pages are loaded. */
  loaded: number;
}

/** Shows what is new at once at the top; who scrolled far is asked first, to keep their place. */
function Newer({ filters, shown, loaded }: NewerProps) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const { data: newest = 0 } = useQuery({ ...newestQuery(filters), enabled: loaded > 0 });
  const behind = loaded > 0 && newest > shown;
  const key = trailQuery(filters).queryKey;
  useEffect(() => {
    if (behind && loaded === 1) void queries.invalidateQueries({ queryKey: key });
  });
  if (!behind || loaded < 2) return null;
  const show = () => {
    scrollTo({ top: 0 });
    void queries.resetQueries({ queryKey: key });
  };
  return (
    <Button
      variant="light"
      fullWidth
      mb="sm"
      leftSection={<ArrowUp size={16} aria-hidden />}
      onClick={show}
    >
      {t("audit.newer")}
    </Button>
  );
}
