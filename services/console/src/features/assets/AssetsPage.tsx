import {
  Button,
  Group,
  Loader,
  SegmentedControl,
  Select,
  TextInput,
  VisuallyHidden,
} from "@mantine/core";
import { useDebouncedCallback, useLocalStorage } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { LayoutGrid, List, Search, Upload } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { chooseFiles, FilePicker } from "@/features/upload/FilePicker";
import { PageHeader } from "@/ui/PageHeader";
import { ProblemBox } from "@/ui/ProblemBox";
import { AssetList, type View } from "./AssetList";
import classes from "./assets.module.css";
import { BulkBar } from "./BulkBar";
import { type Filters, readFilters, STATUSES } from "./filters";
import { NoAssets } from "./NoAssets";
import { assetsQuery } from "./queries";
import { Skeletons } from "./Skeletons";
import { useListKeys } from "./useListKeys";
import { useSelection } from "./useSelection";

/** What is shown after sign-in: every asset, live. */
export function AssetsPage() {
  const { t } = useTranslation();
  const filters = readFilters(useSearch({ strict: false }));
  const [view, setView] = useLocalStorage<View>({
    key: "marquee-assets-view",
    defaultValue: "grid",
  });
  const found = useInfiniteQuery(assetsQuery(filters));
  const assets = useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]);
  const ids = useMemo(() => assets.map(({ id }) => id), [assets]);
  const selection = useSelection(ids);
  const [columns, setColumns] = useState(1);
  const current = useListKeys({ assets, columns, selection });
  const more = useCallback(() => {
    if (found.hasNextPage && !found.isFetchingNextPage && !found.isFetchNextPageError) {
      void found.fetchNextPage();
    }
  }, [found]);
  const filtered = Boolean(filters.query || filters.status || filters.deleted);
  return (
    <>
      <PageHeader title={t("nav.assets")}>
        <FilePicker />
        <Button leftSection={<Upload size={16} aria-hidden />} onClick={chooseFiles}>
          {t("upload.choose")}
        </Button>
      </PageHeader>
      <FilterBar filters={filters} view={view} onView={setView} />
      {found.isPending && <Skeletons view={view} />}
      {found.isError && !found.data && (
        <ProblemBox error={found.error} onRetry={() => void found.refetch()} />
      )}
      {found.data && assets.length === 0 && <NoAssets filtered={filtered} />}
      {assets.length > 0 && (
        <AssetList
          assets={assets}
          view={view}
          selected={selection.selected}
          current={current}
          onSelect={selection.toggle}
          onEnd={more}
          onColumns={setColumns}
        />
      )}
      {found.isFetchingNextPage && (
        <Group justify="center" p="md">
          <Loader size="sm" type="dots" aria-label={t("app.loading")} />
        </Group>
      )}
      {found.isFetchNextPageError && (
        <ProblemBox error={found.error} onRetry={() => void found.fetchNextPage()} />
      )}
      <BulkBar
        assets={assets.filter(({ id }) => selection.selected.has(id))}
        onDone={selection.none}
      />
    </>
  );
}

interface FilterBarProps {
  filters: Filters;
  view: View;
  onView: (view: View) => void;
}

function FilterBar({ filters, view, onView }: FilterBarProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [typed, setTyped] = useState(filters.query ?? "");
  useEffect(() => setTyped(filters.query ?? ""), [filters.query]);
  const apply = (change: Filters) => {
    const search = readFilters({ ...filters, ...change });
    void navigate({ to: ".", search, replace: true });
  };
  const settle = useDebouncedCallback((query: string) => apply({ query }), 250);
  const chosen = filters.deleted ? "deleted" : (filters.status ?? "all");
  return (
    <search className={classes.bar}>
      <TextInput
        className={classes.search}
        type="search"
        data-page-search
        leftSection={<Search size={16} aria-hidden />}
        placeholder={t("assets.search")}
        aria-label={t("assets.search")}
        value={typed}
        onChange={({ currentTarget }) => {
          setTyped(currentTarget.value);
          settle(currentTarget.value.trim());
        }}
      />
      <Select
        w={170}
        aria-label={t("assets.filter")}
        allowDeselect={false}
        data={[
          { value: "all", label: t("assets.all") },
          ...STATUSES.map((status) => ({ value: status, label: t(`status.${status}`) })),
          { value: "deleted", label: t("assets.deleted") },
        ]}
        value={chosen}
        onChange={(value) =>
          apply({
            status: STATUSES.find((status) => status === value),
            deleted: value === "deleted",
          })
        }
      />
      <SegmentedControl
        ml="auto"
        aria-label={t("assets.view")}
        value={view}
        onChange={(value) => onView(value as View)}
        data={[
          { value: "grid", label: <Sign icon={LayoutGrid} name={t("assets.grid")} /> },
          { value: "list", label: <Sign icon={List} name={t("assets.list")} /> },
        ]}
      />
    </search>
  );
}

function Sign({ icon: Icon, name }: { icon: typeof List; name: string }) {
  return (
    <span style={{ display: "block", height: 20 }} title={name}>
      <Icon size={18} aria-hidden />
      <VisuallyHidden>{name}</VisuallyHidden>
    </span>
  );
}
