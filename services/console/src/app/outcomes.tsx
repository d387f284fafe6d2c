import { Button } from "@mantine/core";
import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Blank } from "@/ui/Blank";
import { ProblemBox } from "@/ui/ProblemBox";

/** An address of ours that leads nowhere. */
export function PageNotFound() {
  const { t } = useTranslation();
  return (
    <Blank icon={Compass} title={t("app.notFound")} text={t("app.notFoundText")}>
      <Button component={Link} to="/" variant="light">
        {t("app.toAssets")}
      </Button>
    </Blank>
  );
}

/** A page whose code failed, or could not be loaded: a newer version may have replaced it. */
export function PageFailed({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation();
  const stale = /dynamically imported module|Importing a module/.test(String(error));
  return (
    <ProblemBox
      error={error}
      title={stale ? t("app.newVersion") : t("app.pageFailed")}
      onRetry={stale ? () => location.reload() : reset}
    />
  );
}
