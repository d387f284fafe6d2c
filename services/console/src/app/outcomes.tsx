import { Button } from "@mantine/core";
import { type ErrorComponentProps, Link } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Problem } from "@/api/problem";
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

/** The code of a page did not arrive: the server is away, or has a newer one. */
class PageMissing extends Error {}

/**
 * What loads a page, failing with a `PageMissing`. The router would answer the browser's own error
 * by loading the whole console anew, of which nothing would be left while the server is away.
 */
export function arriving<Page>(load: () => Promise<Page>): () => Promise<Page> {
  return () =>
    load().catch((cause: unknown) => {
      throw new PageMissing("a page could not be loaded", { cause });
    });
}

/** A page whose code failed, or did not arrive. */
export function PageFailed({ error, reset }: ErrorComponentProps) {
  const { t } = useTranslation();
  if (!(error instanceof PageMissing)) {
    return <ProblemBox error={error} title={t("app.pageFailed")} onRetry={reset} />;
  }
  const told = new Problem(0, { code: "page_missing", detail: t("app.pageMissingText") });
  return <ProblemBox error={told} title={t("app.pageMissing")} onRetry={loadAfresh} />;
}

/** Loads the console again, unless the server is away: then the browser would show nothing of it. */
async function loadAfresh(): Promise<void> {
  const answer = await fetch("/", { cache: "no-store" }).catch(() => null);
  if (answer?.ok) location.reload();
}
