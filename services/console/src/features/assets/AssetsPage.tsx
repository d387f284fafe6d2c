import { Button, SegmentedControl, Select, VisuallyHidden } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { LayoutGrid, List, Upload } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { refusalsOf } from "@/api/problem";
import { chooseFiles, FilePicker } from "@/features/upload/FilePicker";
import { ListEnd, useEndless } from "@/ui/endless";
import { PageHeader } from "@/ui/PageHeader";
import { ProblemBox } from "@/ui/ProblemBox";
import { PageSearch } from "@/ui/SearchField";
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
  const { items: assets, more } = useEndless(found);
  const ids = useMemo(() => assets.map(({ id }) => id), [assets]);
  const selection = useSelection(ids);
  const [columns, setColumns] = useState(1);
  const [current, setCurrent] = useListKeys({ assets, columns, selection });
  const filtered = Boolean(filters.query || filters.status || filters.deleted);
  return (
    <>
      <PageHeader title={t("nav.assets")}>
        <FilePicker />
        <Button leftSection={<Upload size={16} aria-hidden />} onClick={chooseFiles}>
          {t("upload.choose")}
        </Button>
      </PageHeader>
      <FilterBar filters={filters} error={found.error} view={view} onView={setView} />
      {found.isPending && <Skeletons view={view} />}
      {found.isError && !found.data && !refusalsOf(found.error).query && (
        <ProblemBox error={found.error} onRetry={() => void found.refetch()} />
      )}
      {found.data && assets.length === 0 && <NoAssets filtered={filtered} />}
      {assets.length > 0 && (
        <AssetList
          assets={assets}
          view={view}
          selected={selection.selected}
          current={current}
          onCurrent={setCurrent}
          onSelect={selection.toggle}
          onEnd={more}
          onColumns={setColumns}
        />
      )}
      <ListEnd found={found} />
      <BulkBar
        assets={assets.filter(({ id }) => selection.selected.has(id))}
        onDone={selection.none}
      />
    </>
  );
}

interface FilterBarProps {
  filters: Filters;
  /** Why nothing was found, if that was refused. */
  error: unknown;
  view: View;
  onView: (view: View) => void;
}

function FilterBar({ filters, error, view, onView }: FilterBarProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const apply = (change: Filters) => {
    const search = readFilters({ ...filters, ...change });
    void navigate({ to: ".", search, replace: true });
  };
  const chosen = filters.deleted ? "deleted" : (filters.status ?? "all");
  return (
    <search className={classes.bar}>
      <PageSearch
        label={t("assets.search")}
        words={filters.query ?? ""}
        onWords={(query) => apply({ query })}
        error={error}
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
