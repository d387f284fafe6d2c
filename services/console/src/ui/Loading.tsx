import { Skeleton, Stack } from "@mantine/core";
import { useTranslation } from "react-i18next";

interface Props {
  /** In pixels, of each line. */
  height: number;
  lines?: number;
}

/** The shape of what is to come. */
export function Loading({ height, lines = 1 }: Props) {
  const { t } = useTranslation();
  return (
    <Stack gap={6} role="status" aria-label={t("app.loading")}>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <Skeleton key={line} height={height} radius="md" />
      ))}
    </Stack>
  );
}
