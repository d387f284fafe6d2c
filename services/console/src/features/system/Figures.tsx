import { Progress, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Ago } from "@/ui/Ago";
import { bytes, count } from "@/ui/format";
import type { System } from "./queries";
import classes from "./system.module.css";

/** The few numbers that say how it goes. */
export function Figures({ system }: { system: System }) {
  const { t } = useTranslation();
  const { conversions, database, disk, audit, versions } = system;
  return (
    <div className={classes.figures}>
      <Figure
        name={t("system.conversions")}
        value={conversions ? `${count(conversions.running)} / ${count(conversions.slots)}` : "–"}
        part="conversions"
      >
        {conversions ? t("system.waiting", { count: conversions.waiting }) : t("system.unknown")}
      </Figure>
      <Space name={t("system.disk")} space={disk.data} />
      {disk.blobs.space ? (
        <Space name={t("system.blobs")} space={disk.blobs.space} />
      ) : (
        <Figure name={t("system.blobs")} value="S3">
          {t("system.elsewhere")}
        </Figure>
      )}
      <Figure
        name={t("system.database")}
        value={database ? bytes(database.size_bytes) : "–"}
        part="database"
      >
        {database
          ? t("system.connections", {
              used: count(database.connections),
              most: count(database.max_connections),
            })
          : t("system.unknown")}
      </Figure>
      <Figure name={t("system.trail")} value={audit ? count(audit.entries) : "–"}>
        {audit?.checkpoint ? (
          <>
            {t("system.sealed")} <Ago time={audit.checkpoint.signed_at} />
          </>
        ) : (
          t("system.unsealed")
        )}
      </Figure>
      <Figure name={t("system.version")} value={versions.marquee} part="version">
        Python {versions.python} · PostgreSQL {versions.postgresql ?? "–"} ·{" "}
        {versions.broker ?? "–"} · ffmpeg {release(versions.ffmpeg)}
      </Figure>
    </div>
  );
}

/** The number in a version such as n8.1-12-gabcdef: the rest says who built it, which helps nobody. */
function release(version: string | null): string {
  return version?.match(/\d+(\.\d+)+/)?.[0] ?? version ?? "–";
}

interface SpaceProps {
  name: string;
  space: { total_bytes: number; free_bytes: number };
}

function Space({ name, space }: SpaceProps) {
  const { t } = useTranslation();
  const used = 100 - (space.free_bytes / Math.max(1, space.total_bytes)) * 100;
  return (
    <Figure name={name} value={bytes(space.free_bytes)} part="disk">
      {t("system.freeOf", { total: bytes(space.total_bytes) })}
      <Progress
        mt={6}
        size="sm"
        value={used}
        color={used > 90 ? "red" : used > 75 ? "orange" : "iris"}
        aria-label={t("system.used", { name })}
      />
    </Figure>
  );
}

interface FigureProps {
  name: string;
  value: string;
  part?: string;
  children: ReactNode;
}

function Figure({ name, value, part, children }: FigureProps) {
  return (
    <div className="panel" data-part={part}>
      <Text size="sm" c="var(--muted)">
        {name}
      </Text>
      <Text fz={24} fw={650} className="tabular" lh={1.3}>
        {value}
      </Text>
      <Text size="xs" c="var(--muted)" component="div">
        {children}
      </Text>
    </div>
  );
}
