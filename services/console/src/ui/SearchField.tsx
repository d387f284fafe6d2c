import { TextInput, type TextInputProps } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { Search } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { refusalsOf } from "@/api/problem";

const LONGEST = 200;
const RESTS_MS = 200;

interface Props extends Omit<TextInputProps, "value" | "onChange" | "error"> {
  value: string;
  onChange: (words: string) => void;
  /** Why nothing was found, if the server refused the words; said beside them. */
  error: unknown;
}

/** Words to search for. */
export function SearchField({ value, onChange, error, ...looks }: Props) {
  const { t } = useTranslation();
  const tooLong = value.trim().length > LONGEST && t("app.tooLong", { count: LONGEST });
  return (
    <TextInput
      type="search"
      autoComplete="off"
      leftSection={<Search size={16} aria-hidden />}
      value={value}
      error={tooLong || refusalsOf(error).query}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
      {...looks}
    />
  );
}

interface PageSearchProps {
  label: string;
  /** The words in the address of the page. */
  words: string;
  /** What is typed, once typing rests. */
  onWords: (words: string) => void;
  error: unknown;
}

/** The search of a page, whose words are in its address; `/` leads to it. */
export function PageSearch({ label, words, onWords, error }: PageSearchProps) {
  const [typed, setTyped] = useState(words);
  useEffect(() => setTyped(words), [words]);
  const settle = useDebouncedCallback((text: string) => onWords(text.trim()), RESTS_MS);
  return (
    <SearchField
      data-page-search
      style={{ flex: "1 1 220px", maxWidth: 380 }}
      placeholder={label}
      aria-label={label}
      value={typed}
      error={error}
      onChange={(text) => {
        setTyped(text);
        settle(text);
      }}
    />
  );
}
