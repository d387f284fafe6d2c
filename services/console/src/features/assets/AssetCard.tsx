import { Checkbox, VisuallyHidden } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { Users } from "lucide-react";
import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Asset } from "@/api/client";
import { Ago } from "@/ui/Ago";
import { bytes, count } from "@/ui/format";
import classes from "./assets.module.css";
import { Picture } from "./Picture";
import { StatusChip } from "./StatusChip";

interface ItemProps {
  asset: Asset;
  selected: boolean;
  current: boolean;
  onSelect: (id: string, range: boolean) => void;
}

/** An asset in the grid. */
export const AssetCard = memo(function AssetCard({
  asset,
  selected,
  current,
  onSelect,
}: ItemProps) {
  const [pointed, setPointed] = useState(false);
  return (
    <article
      className={classes.card}
      data-asset={asset.id}
      data-selected={selected || undefined}
      data-current={current || undefined}
      onPointerEnter={() => setPointed(true)}
      onPointerLeave={() => setPointed(false)}
      onFocus={() => setPointed(true)}
      onBlur={() => setPointed(false)}
    >
      <Picture asset={asset} playing={pointed} />
      <Selector asset={asset} selected={selected} onSelect={onSelect} />
      <div className={classes.text}>
        <TitleLink asset={asset} />
        <div className={classes.facts}>
          <StatusChip status={asset.conversion_status} progress={asset.progress} size="sm" />
          <Holders asset={asset} />
        </div>
      </div>
    </article>
  );
});

/** An asset in the list. */
export const AssetLine = memo(function AssetLine({
  asset,
  selected,
  current,
  onSelect,
}: ItemProps) {
  const [pointed, setPointed] = useState(false);
  return (
    <article
      className={classes.line}
      data-asset={asset.id}
      data-selected={selected || undefined}
      data-current={current || undefined}
      onPointerEnter={() => setPointed(true)}
      onPointerLeave={() => setPointed(false)}
    >
      <Selector asset={asset} selected={selected} onSelect={onSelect} />
      <Picture asset={asset} playing={pointed} />
      <TitleLink asset={asset} />
      <span>
        <StatusChip status={asset.conversion_status} progress={asset.progress} size="sm" />
      </span>
      <span className={`${classes.wide} ${classes.muted}`}>
        <Holders asset={asset} />
      </span>
      <span className={`${classes.wide} ${classes.muted} tabular`}>{bytes(asset.size_bytes)}</span>
      <span className={`${classes.wide} ${classes.muted} clip`}>
        <Ago time={asset.created_at} />
      </span>
    </article>
  );
});

function TitleLink({ asset }: { asset: Asset }) {
  return (
    <Link
      to="/assets/$assetId"
      params={{ assetId: asset.id }}
      className={`${classes.title} clip`}
      title={asset.title}
    >
      {asset.title}
    </Link>
  );
}

function Selector({ asset, selected, onSelect }: Omit<ItemProps, "current">) {
  const { t } = useTranslation();
  return (
    <Checkbox
      className={classes.check}
      size="xs"
      checked={selected}
      aria-label={t("assets.select", { title: asset.title })}
      onChange={() => undefined}
      onClick={(event) => onSelect(asset.id, event.shiftKey)}
    />
  );
}

/** How many people have it now. */
function Holders({ asset }: { asset: Asset }) {
  const { t } = useTranslation();
  const many = asset.active_assignment_count;
  if (many === 0) return null;
  return (
    <span
      style={{ display: "inline-flex", alignItems: "center", gap: 4 }}
      title={t("assets.holders", { count: many })}
    >
      <Users size={13} aria-hidden />
      <span className="tabular" aria-hidden>
        {count(many)}
      </span>
      <VisuallyHidden>{t("assets.holders", { count: many })}</VisuallyHidden>
    </span>
  );
}
