import { Select } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useTitleOf } from "@/features/assets/AssetName";
import { assetsQuery } from "@/features/assets/queries";
import { useNameOf } from "@/features/users/Person";
import { usersQuery } from "@/features/users/queries";

interface Props {
  label: string;
  /** The id of what is chosen. */
  value: string | undefined;
  onChange: (id: string | null) => void;
}

/** Chooses a person by name or address. */
export function PersonPicker(props: Props) {
  const [typed, setTyped] = useState("");
  const [query] = useDebouncedValue(typed, 150);
  const { data } = useInfiniteQuery(usersQuery(query));
  const name = useNameOf(props.value);
  const found = data?.pages[0]?.items ?? [];
  const options = found.map(({ id, name, email }) => ({ value: id, label: `${name} (${email})` }));
  return <Picker {...props} known={name} options={options} typed={typed} onType={setTyped} />;
}

/** Chooses an asset by its title or file name. */
export function AssetPicker(props: Props) {
  const [typed, setTyped] = useState("");
  const [query] = useDebouncedValue(typed, 150);
  const { data } = useInfiniteQuery(assetsQuery(query ? { query } : {}));
  const title = useTitleOf(props.value);
  const found = data?.pages[0]?.items ?? [];
  const options = found.map(({ id, title }) => ({ value: id, label: title }));
  return <Picker {...props} known={title} options={options} typed={typed} onType={setTyped} />;
}

interface PickerProps extends Props {
  /** What the chosen one is called, which may not be among the options. */
  known: string;
  options: { value: string; label: string }[];
  typed: string;
  onType: (text: string) => void;
}

function Picker({ label, value, onChange, known, options, typed, onType }: PickerProps) {
  const { t } = useTranslation();
  const missing = value && !options.some((option) => option.value === value);
  return (
    <Select
      label={label}
      placeholder={t("audit.any")}
      searchable
      clearable
      clearButtonProps={{ "aria-label": t("audit.clear") }}
      filter={({ options: all }) => all}
      nothingFoundMessage={t("palette.nothing")}
      data={missing ? [{ value, label: known }, ...options] : options}
      value={value ?? null}
      searchValue={typed}
      onSearchChange={onType}
      onChange={onChange}
    />
  );
}
