import { Button, Checkbox, Group, ScrollArea, Text } from "@mantine/core";
import { useInViewport } from "@mantine/hooks";
import { type InfiniteData, type UseInfiniteQueryResult, useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import type { Asset, User } from "@/api/client";
import { refusalsOf } from "@/api/problem";
import { Face } from "@/features/users/Face";
import { holdingQuery } from "@/features/users/queries";
import { Loading } from "@/ui/Loading";
import { ProblemBox } from "@/ui/ProblemBox";
import classes from "./assign.module.css";
import type { useChosen } from "./chosen";

type FoundUsers = UseInfiniteQueryResult<InfiniteData<{ items: User[] }>>;

interface Props {
  found: FoundUsers;
  asset: Asset;
  chosen: ReturnType<typeof useChosen>;
}

/** The people that were found, what each has now, and who of them is chosen. */
export function Found({ found, asset, chosen }: Props) {
  const { t } = useTranslation();
  if (refusalsOf(found.error).query) return null;
  if (found.error) return <ProblemBox error={found.error} onRetry={() => void found.refetch()} />;
  if (!found.data) return <Loading height={260} />;
  const users = found.data.pages.flatMap(({ items }) => items);
  const able = users.filter(({ disabled }) => !disabled).map(({ id }) => id);
  const picked = new Set(chosen.ids);
  const all = able.length > 0 && able.every((id) => picked.has(id));
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <Checkbox
          size="sm"
          label={t("assign.all", { count: able.length })}
          checked={all}
          disabled={able.length === 0}
          indeterminate={!all && able.some((id) => picked.has(id))}
          onChange={() => (all ? chosen.remove(able) : chosen.add(able))}
        />
        {found.hasNextPage && (
          <Button
            size="compact-sm"
            variant="subtle"
            loading={found.isFetchingNextPage}
            onClick={() => void found.fetchNextPage()}
          >
            {t("assign.more")}
          </Button>
        )}
      </Group>
      <ScrollArea.Autosize
        mah="min(260px, 30dvh)"
        className={classes.list}
        classNames={{ content: classes.people }}
        type="auto"
        scrollbars="y"
        viewportProps={{ tabIndex: 0, role: "group", "aria-label": t("assign.people") }}
      >
        {users.length === 0 && (
          <Text size="sm" c="var(--muted)" ta="center" p="lg">
            {t("assign.nobody")}
          </Text>
        )}
        {users.map((user) => (
          <Candidate
            key={user.id}
            user={user}
            asset={asset}
            picked={picked.has(user.id)}
            onPick={(on) => (on ? chosen.add([user.id]) : chosen.remove([user.id]))}
          />
        ))}
      </ScrollArea.Autosize>
    </div>
  );
}

interface CandidateProps {
  user: User;
  asset: Asset;
  picked: boolean;
  onPick: (on: boolean) => void;
}

function Candidate({ user, asset, picked, onPick }: CandidateProps) {
  const { t } = useTranslation();
  const { ref, inViewport } = useInViewport<HTMLLabelElement>();
  return (
    <label
      htmlFor={`pick-${user.id}`}
      ref={ref}
      className={classes.person}
      data-picked={picked || undefined}
      data-user={user.id}
    >
      <Checkbox
        id={`pick-${user.id}`}
        checked={picked}
        disabled={user.disabled}
        onChange={({ currentTarget }) => onPick(currentTarget.checked)}
      />
      <Face name={user.name} size={32} />
      <span className={classes.who}>
        <span className="clip">{user.name}</span>
        <span className={`${classes.quiet} clip`}>{user.email}</span>
      </span>
      <span className={`${classes.quiet} ${classes.has} clip`}>
        {user.disabled ? (
          t("users.disabled")
        ) : (
          <HasNow userId={user.id} asset={asset} seen={inViewport} />
        )}
      </span>
    </label>
  );
}

interface HasNowProps {
  userId: string;
  asset: Asset;
  /** It is asked for once it is in sight. */
  seen: boolean;
}

function HasNow({ userId, asset, seen }: HasNowProps) {
  const { t } = useTranslation();
  const { data: holding, isPending } = useQuery({ ...holdingQuery(userId), enabled: seen });
  if (isPending) return "…";
  if (!holding) return t("assign.hasNothing");
  if (holding.asset_id === asset.id) return t("assign.hasThis");
  return t("assign.has", { title: holding.asset.title ?? "?" });
}
