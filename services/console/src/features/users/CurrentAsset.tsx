import { Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { AssetName } from "@/features/assets/AssetName";
import { Player } from "@/features/assets/Player";
import { assetQuery } from "@/features/assets/queries";
import { renditionsOf } from "@/features/assets/renditions";
import { When } from "@/ui/Ago";
import { Loading } from "@/ui/Loading";
import { ProblemBox } from "@/ui/ProblemBox";
import { type Holding, holdingQuery } from "./queries";
import classes from "./users.module.css";

const PREFERRED = ["webm", "mp4", "gif"] as const;

/** What a person has now, playing; since when, and who gave it. */
export function CurrentAsset({ userId }: { userId: string }) {
  const { t } = useTranslation();
  const { data: holding, error, refetch, isPending } = useQuery(holdingQuery(userId));
  if (error) return <ProblemBox error={error} onRetry={() => void refetch()} />;
  if (isPending) return <Loading height={240} />;
  if (!holding) {
    return (
      <Text size="sm" c="var(--muted)">
        {t("users.hasNothing")}
      </Text>
    );
  }
  return <Held holding={holding} />;
}

function Held({ holding }: { holding: Holding }) {
  const { t } = useTranslation();
  const { data: asset } = useQuery(assetQuery(holding.asset_id));
  const shown = asset && PREFERRED.find((name) => renditionsOf(asset)[name]);
  return (
    <Stack gap="sm" data-part="current">
      <div className={classes.stage}>
        {asset && shown && <Player key={asset.id} asset={asset} rendition={shown} ambient />}
      </div>
      <div>
        <Text fw={600}>
          <AssetName id={holding.asset_id} />
        </Text>
        <Text size="sm" c="var(--muted)">
          {t("users.since")} <When time={holding.assigned_at} />
        </Text>
        <Text size="sm" c="var(--muted)">
          {t("asset.by")} {holding.admin.name ?? t("users.apiKey")}
        </Text>
      </div>
    </Stack>
  );
}
