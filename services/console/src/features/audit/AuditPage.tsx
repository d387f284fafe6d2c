import { Button, Menu } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ArrowUp, Download, ScrollText } from "lucide-react";
import { useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Blank } from "@/ui/Blank";
import { ListEnd, useEndless } from "@/ui/endless";
import { Loading } from "@/ui/Loading";
import { LongList } from "@/ui/LongList";
import { PageHeader } from "@/ui/PageHeader";
import { ProblemBox } from "@/ui/ProblemBox";
import classes from "./audit.module.css";
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
  const { items: entries, more } = useEndless(found);
  const [entry, setEntry] = useState<Entry | null>(null);
  const [opened, details] = useDisclosure(false);
  const renderEntry = useCallback(
    (each: Entry) => (
      <EntryLine
        entry={each}
        onOpen={() => {
          setEntry(each);
          details.open();
        }}
      />
    ),
    [details.open],
  );
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
      {found.isPending && <Loading lines={8} height={52} />}
      {found.error && !found.data && (
        <ProblemBox error={found.error} onRetry={() => void found.refetch()} />
      )}
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
          {renderEntry}
        </LongList>
      )}
      <ListEnd found={found} />
      <EntryDetails entry={entry} opened={opened} onClose={details.close} />
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
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each entry that is new
  useEffect(() => {
    if (behind && loaded === 1) void queries.invalidateQueries({ queryKey: key });
  }, [behind, loaded, newest]);
  if (!behind || loaded < 2) return null;
  const show = () => {
    scrollTo({ top: 0 });
    void queries.resetQueries({ queryKey: key });
  };
  return (
    <Button
      className={classes.newer}
      leftSection={<ArrowUp size={16} aria-hidden />}
      onClick={show}
    >
      {t("audit.newer")}
    </Button>
  );
}
