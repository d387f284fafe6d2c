import { Badge, Skeleton, Stack, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Search, Users } from "lucide-react";
import { useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { User } from "@/api/client";
import { AssetThumb } from "@/features/assets/AssetName";
import { Blank } from "@/ui/Blank";
import { LongList } from "@/ui/LongList";
import { PageHeader } from "@/ui/PageHeader";
import { ProblemBox } from "@/ui/ProblemBox";
import { Face } from "./Face";
import { holdingQuery, usersQuery } from "./queries";
import classes from "./users.module.css";

/** Everybody, and what each has now. */
export function UsersPage() {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const [query] = useDebouncedValue(typed.trim(), 200);
  const found = useInfiniteQuery(usersQuery(query));
  const users = useMemo(() => found.data?.pages.flatMap(({ items }) => items) ?? [], [found.data]);
  const more = useCallback(() => {
    if (found.hasNextPage && !found.isFetchingNextPage) void found.fetchNextPage();
  }, [found]);
  return (
    <>
      <PageHeader title={t("nav.users")} />
      <search className={classes.bar}>
        <TextInput
          type="search"
          data-page-search
          className={classes.search}
          leftSection={<Search size={16} aria-hidden />}
          placeholder={t("users.search")}
          aria-label={t("users.search")}
          value={typed}
          onChange={({ currentTarget }) => setTyped(currentTarget.value)}
        />
      </search>
      {found.isPending && (
        <Stack gap={6} aria-label={t("app.loading")}>
          {[0, 1, 2, 3, 4, 5].map((line) => (
            <Skeleton key={line} height={58} radius="md" />
          ))}
        </Stack>
      )}
      {found.error && <ProblemBox error={found.error} onRetry={() => void found.refetch()} />}
      {found.data && users.length === 0 && (
        <Blank icon={Users} title={t("users.nobody")} text={t("users.nobodyText")} />
      )}
      {users.length > 0 && (
        <LongList
          label={t("nav.users")}
          items={users}
          keyOf={({ id }) => id}
          height={66}
          onEnd={more}
        >
          {(user) => <UserLine user={user} />}
        </LongList>
      )}
    </>
  );
}

function UserLine({ user }: { user: User }) {
  const { t } = useTranslation();
  const { data: holding } = useQuery(holdingQuery(user.id));
  return (
    <div className={classes.rowGap}>
      <Link to="/users/$userId" params={{ userId: user.id }} className={classes.line}>
        <Face name={user.name} size={38} />
        <span className={classes.who}>
          <span className={`${classes.name} clip`}>{user.name}</span>
          <span className={`${classes.quiet} clip`}>{user.email}</span>
        </span>
        <span className={classes.marks}>
          {user.role === "admin" && (
            <Badge variant="light" tt="none">
              {t("users.admin")}
            </Badge>
          )}
          {user.disabled && (
            <Badge variant="light" color="gray" tt="none">
              {t("users.disabled")}
            </Badge>
          )}
        </span>
        <span className={`${classes.has} ${classes.quiet}`}>
          {holding ? (
            <>
              <AssetThumb id={holding.asset_id} size={56} />
              <span className="clip">{holding.asset.title}</span>
            </>
          ) : (
            holding === null && t("users.hasNothing")
          )}
        </span>
      </Link>
    </div>
  );
}
