import { Button, Group, Loader, Text, ThemeIcon } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { ShieldAlert, ShieldCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Ago } from "@/ui/Ago";
import { count } from "@/ui/format";
import { ProblemBox } from "@/ui/ProblemBox";
import classes from "./audit.module.css";
import { verifyQuery } from "./queries";

/** Whether the trail still is what was written, said so that anybody understands it. */
export function Verification() {
  const { t } = useTranslation();
  const { data, error, refetch, isFetching } = useQuery(verifyQuery());
  if (error) {
    return (
      <ProblemBox error={error} title={t("audit.notVerified")} onRetry={() => void refetch()} />
    );
  }
  return (
    <section className={`${classes.verification} panel`} aria-label={t("audit.verification")}>
      <Group gap="md">
        <Sign ok={data?.ok} />
        <div style={{ flex: "1 1 220px", minWidth: 0 }} role="status" data-verified={data?.ok}>
          <Text fw={600}>
            {data === undefined && t("audit.checking")}
            {data?.ok === true && t("audit.intact", { number: count(data.entries) })}
            {data?.ok === false && t("audit.broken", { number: data.first_bad ?? "?" })}
          </Text>
          <Text size="sm" c="var(--muted)">
            {data?.ok === false
              ? t("audit.brokenText", { reason: reasonOf(data.reason, t) })
              : t("audit.intactText")}{" "}
            {data && (
              <>
                {t("audit.checked")} <Ago time={data.at} />.
              </>
            )}
          </Text>
        </div>
        <Button variant="default" loading={isFetching} onClick={() => void refetch()}>
          {t("audit.verify")}
        </Button>
      </Group>
    </section>
  );
}

function Sign({ ok }: { ok: boolean | undefined }) {
  if (ok === undefined) return <Loader size={28} aria-hidden />;
  const Icon = ok ? ShieldCheck : ShieldAlert;
  return (
    <ThemeIcon size={44} radius="xl" variant="light" color={ok ? "teal" : "red"} aria-hidden>
      <Icon size={24} strokeWidth={1.8} />
    </ThemeIcon>
  );
}

type T = ReturnType<typeof useTranslation>["t"];

function reasonOf(reason: string | null, t: T): string {
  if (reason === "edited" || reason === "inserted") return t(`audit.reason.${reason}`);
  if (reason === "missing" || reason === "entry_missing") return t("audit.reason.missing");
  return t("audit.reason.other", { code: reason ?? "?" });
}
