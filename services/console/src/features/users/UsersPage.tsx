import { Badge } from "@mantine/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Users } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { User } from "@/api/client";
import { refusalsOf } from "@/api/problem";
import { AssetThumb } from "@/features/assets/AssetName";
import { Blank } from "@/ui/Blank";
import { ListEnd, useEndless } from "@/ui/endless";
import { Loading } from "@/ui/Loading";
import { LongList } from "@/ui/LongList";
import { PageHeader } from "@/ui/PageHeader";
import { ProblemBox } from "@/ui/ProblemBox";
import { PageSearch } from "@/ui/SearchField";
import { Face } from "./Face";
import { readFilters } from "./filters";
import { holdingQuery, usersQuery } from "./queries";
import classes from "./users.module.css";

/** Everybody, and what each has now. */
export function UsersPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { query = "" } = readFilters(useSearch({ strict: false }));
  const found = useInfiniteQuery(usersQuery(query));
  const { items: users, more } = useEndless(found);
  return (
    <>
      <PageHeader title={t("nav.users")} />
      <search className={classes.bar}>
        <PageSearch
          label={t("users.search")}
          words={query}
          onWords={(words) =>
            void navigate({ to: ".", search: readFilters({ query: words }), replace: true })
          }
          error={found.error}
        />
      </search>
      {found.isPending && <Loading lines={6} height={60} />}
      {found.error && !found.data && !refusalsOf(found.error).query && (
        <ProblemBox error={found.error} onRetry={() => void found.refetch()} />
      )}
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
          {renderUser}
        </LongList>
      )}
      <ListEnd found={found} />
    </>
  );
}

const renderUser = (user: User) => <UserLine user={user} />;

function UserLine({ user }: { user: User }) {
  const { t } = useTranslation();
  const { data: holding } = useQuery(holdingQuery(user.id));
  return (
    <Link to="/users/$userId" params={{ userId: user.id }} className={`${classes.line} row-panel`}>
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
  );
}
