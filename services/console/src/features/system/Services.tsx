import { Badge, Group, Text } from "@mantine/core";
import { CircleCheck, CircleX } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Ago } from "@/ui/Ago";
import type { Service } from "./queries";
import classes from "./system.module.css";

/** Each service, and what it needs. */
export function Services({ services }: { services: readonly Service[] }) {
  const { t } = useTranslation();
  return (
    <ul className={classes.services}>
      {services.map((service) => (
        <li key={service.name} className="panel" data-service={service.name}>
          <Group justify="space-between" wrap="nowrap">
            <Text fw={600}>{service.name}</Text>
            <Badge
              className={classes.mark}
              data-ok={service.status === "ok"}
              color={service.status === "ok" ? "teal" : "orange"}
              variant="light"
              tt="none"
            >
              {t(`system.status.${service.status}`)}
            </Badge>
          </Group>
          <Text size="xs" c="var(--muted)">
            {service.version ?? "–"}
            {service.started_at && (
              <>
                {" · "}
                {t("system.started")} <Ago time={service.started_at} />
              </>
            )}
          </Text>
          <ul className={classes.parts}>
            {service.parts.map(({ name, ok }) => (
              <li key={name} data-ok={ok}>
                {ok ? <CircleCheck size={14} aria-hidden /> : <CircleX size={14} aria-hidden />}
                {name}
                {!ok && ` – ${t("system.status.down")}`}
              </li>
            ))}
          </ul>
          {service.outbox && service.outbox.waiting > 0 && (
            <Text size="xs" c="var(--muted)">
              {t("system.outbox", { count: service.outbox.waiting })}
            </Text>
          )}
        </li>
      ))}
    </ul>
  );
}
