import { Textarea } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { refusalsOf } from "@/api/problem";

interface Props {
  value: string;
  onChange: (reason: string) => void;
  /** Why the whole was refused, if it was; said here as far as it is about the reason. */
  error: unknown;
}

/** Asks for the reason of what is about to be done. */
export function ReasonField({ value, onChange, error }: Props) {
  const { t } = useTranslation();
  return (
    <Textarea
      label={t("users.reason")}
      description={t("users.reasonHint")}
      value={value}
      error={refusalsOf(error).reason}
      autosize
      minRows={2}
      maxRows={8}
      data-autofocus
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
    />
  );
}
