import { Badge, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Loading } from "@/ui/Loading";
import { PageHeader } from "@/ui/PageHeader";
import { ProblemBox } from "@/ui/ProblemBox";
import { Figures } from "./Figures";
import { ParkedMessages } from "./ParkedMessages";
import { Queues } from "./Queues";
import { systemQuery } from "./queries";
import { Services } from "./Services";
import classes from "./system.module.css";

/** How the installation is: its services, queues, conversions, disk, database and versions. */
export function SystemPage() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(systemQuery());
  return (
    <>
      <PageHeader
        title={t("nav.system")}
        aside={
          data && (
            <Badge
              className={classes.mark}
              data-ok={data.status === "ok"}
              color={data.status === "ok" ? "teal" : "orange"}
              variant="light"
              tt="none"
            >
              {t(`system.status.${data.status}`)}
            </Badge>
          )
        }
      />
      {error && <ProblemBox error={error} onRetry={() => void refetch()} />}
      {!data && !error && <Loading height={360} />}
      {data && (
        <div className={classes.page}>
          <Figures system={data} />
          <Section title={t("system.services")}>
            <Services services={data.services} />
          </Section>
          <Section title={t("system.queues")}>
            <Queues queues={data.queues} />
          </Section>
          <Section title={t("system.parked")}>
            <ParkedMessages />
          </Section>
        </div>
      )}
    </>
  );
}

function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <Title order={2} fz="md" mb="sm">
        {title}
      </Title>
      {children}
    </section>
  );
}
