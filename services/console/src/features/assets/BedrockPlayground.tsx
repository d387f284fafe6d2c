import { Anchor, CopyButton, Group, SegmentedControl, Text, UnstyledButton } from "@mantine/core";
import { Download, Film } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/api/client";
import { Actor } from "@/features/users/Person";
import { Ago } from "@/ui/Ago";
import { Fact } from "@/ui/Fact";
import { bytes, duration } from "@/ui/format";
import classes from "./asset.module.css";
import { Player } from "./Player";
import { RENDITIONS, type Rendition, renditionsOf } from "./renditions";

/** Plays each rendition of an asset, and tells what it is made of. */
export function BedrockPlayground({ asset }: { asset: Asset }) {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState<Rendition | null>(null);
  const there = renditionsOf(asset);
  const shown = wanted && there[wanted] ? wanted : RENDITIONS.find((name) => there[name]);
  return (
    <section className={classes.playground} aria-label={t("asset.playground")}>
      <div className={classes.stage}>
        {shown ? (
          <Player asset={asset} rendition={shown} />
        ) : (
          <Group gap="xs" c="var(--muted)">
            <Film size={22} strokeWidth={1.5} aria-hidden />
            <Text size="sm">
              {t(asset.conversion_status === "failed" ? "asset.nothingMade" : "asset.notYet")}
            </Text>
          </Group>
        )}
      </div>
      {shown && (
        <Group justify="space-between" gap="sm">
          <SegmentedControl
            aria-label={t("asset.renditions")}
            value={shown}
            onChange={(value) => setWanted(value as Rendition)}
            data={RENDITIONS.map((name) => ({
              value: name,
              label: t(`rendition.${name}`),
              disabled: !there[name],
            }))}
          />
          <Anchor href={there[shown] ?? undefined} download size="sm" className={classes.download}>
            <Download size={15} aria-hidden />
            {t("asset.download", { name: t(`rendition.${shown}`) })}
          </Anchor>
        </Group>
      )}
      <Facts asset={asset} />
    </section>
  );
}

function Facts({ asset }: { asset: Asset }) {
  const { t } = useTranslation();
  const size = asset.width && asset.height ? `${asset.width} × ${asset.height}` : "–";
  return (
    <dl className={`${classes.facts} panel`}>
      <Fact name={t("asset.length")}>
        {asset.duration_seconds === null ? "–" : duration(asset.duration_seconds)}
      </Fact>
      <Fact name={t("asset.picture")}>{size}</Fact>
      <Fact name={t("asset.size")}>{bytes(asset.size_bytes)}</Fact>
      <Fact name={t("asset.file")}>{asset.filename}</Fact>
      <Fact name={t("asset.uploaded")}>
        <Ago time={asset.created_at} />
      </Fact>
      <Fact name={t("asset.uploadedBy")}>
        {asset.created_by ? <Actor id={asset.created_by} /> : "–"}
      </Fact>
      <Fact name={t("asset.id")}>
        <Copyable text={asset.id} />
      </Fact>
      <Fact name="SHA-256">
        <Copyable text={asset.sha256} />
      </Fact>
    </dl>
  );
}

function Copyable({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={text}>
      {({ copied, copy }) => (
        <UnstyledButton
          className={`${classes.code} clip`}
          onClick={copy}
          title={t("asset.copy")}
          aria-label={`${t("asset.copy")}: ${text}`}
        >
          {copied ? t("problem.copied") : text}
        </UnstyledButton>
      )}
    </CopyButton>
  );
}
