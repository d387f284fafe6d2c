import { Button, Select, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./audit.module.css";
import { ACTIONS, type Filters, readFilters } from "./filters";
import { AssetPicker, PersonPicker } from "./pickers";

interface Props {
  filters: Filters;
  onChange: (filters: Filters) => void;
}

/** Who, what, by whom and when. */
export function FilterBar({ filters, onChange }: Props) {
  const { t } = useTranslation();
  const apply = (change: Record<string, string | null>) =>
    onChange(readFilters({ ...filters, ...change }));
  const some = Object.keys(filters).length > 0;
  return (
    <search className={classes.filters}>
      <Select
        label={t("audit.action")}
        placeholder={t("audit.any")}
        clearable
        searchable
        clearButtonProps={{ "aria-label": t("audit.clear") }}
        data={ACTIONS.map((action) => ({ value: action, label: t(`action.${action}`) }))}
        value={filters.action ?? null}
        onChange={(action) => apply({ action })}
      />
      <PersonPicker
        label={t("audit.user")}
        value={filters.user}
        onChange={(user) => apply({ user })}
      />
      <AssetPicker
        label={t("audit.asset")}
        value={filters.asset}
        onChange={(asset) => apply({ asset })}
      />
      <PersonPicker label={t("audit.by")} value={filters.by} onChange={(by) => apply({ by })} />
      <TextInput
        type="date"
        label={t("audit.from")}
        value={filters.from ?? ""}
        max={filters.to}
        onChange={({ currentTarget }) => apply({ from: currentTarget.value })}
      />
      <TextInput
        type="date"
        label={t("audit.to")}
        value={filters.to ?? ""}
        min={filters.from}
        onChange={({ currentTarget }) => apply({ to: currentTarget.value })}
      />
      {some && (
        <Button variant="subtle" className={classes.clear} onClick={() => onChange({})}>
          {t("audit.clearAll")}
        </Button>
      )}
    </search>
  );
}
