import { Stack, Text } from "@mantine/core";
import { Upload } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./upload.module.css";
import { uploads } from "./uploads";

/** Takes files that are dropped anywhere on the window. */
export function DropAnywhere() {
  const { t } = useTranslation();
  const over = useFilesOver();
  if (!over) return null;
  return (
    <div className={classes.drop} aria-hidden>
      <Stack align="center" gap="xs" className={classes.dropInner}>
        <Upload size={36} strokeWidth={1.5} />
        <Text fw={650} fz="xl">
          {t("upload.drop")}
        </Text>
        <Text size="sm">{t("upload.dropHint")}</Text>
      </Stack>
    </div>
  );
}

function useFilesOver(): boolean {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const set = (to: number) => {
      depth = Math.max(0, to);
      setOver(depth > 0);
    };
    const handlers = {
      dragenter: (event: DragEvent) => bringsFiles(event) && set(depth + 1),
      dragleave: (event: DragEvent) => bringsFiles(event) && set(depth - 1),
      dragover: (event: DragEvent) => bringsFiles(event) && event.preventDefault(),
      drop: (event: DragEvent) => {
        if (!bringsFiles(event)) return;
        event.preventDefault();
        set(0);
        void uploads.add([...(event.dataTransfer?.files ?? [])]);
      },
    };
    const entries = Object.entries(handlers) as [keyof typeof handlers, (e: DragEvent) => void][];
    for (const [name, handler] of entries) addEventListener(name, handler);
    return () => {
      for (const [name, handler] of entries) removeEventListener(name, handler);
    };
  }, []);
  return over;
}

function bringsFiles(event: DragEvent): boolean {
  return Boolean(event.dataTransfer?.types.includes("Files"));
}
