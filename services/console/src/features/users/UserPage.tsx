import { Badge, Group, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { ScrollText } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { User } from "@/api/client";
import { Loading } from "@/ui/Loading";
import { PageHeader } from "@/ui/PageHeader";
import { PageProblem } from "@/ui/PageProblem";
import { ProblemBox } from "@/ui/ProblemBox";
import { CurrentAsset } from "./CurrentAsset";
import { Face } from "./Face";
import { historyQuery, userQuery } from "./queries";
import { Timeline } from "./Timeline";
import classes from "./users.module.css";

/** A person: what they have now, and what they were given last. */
export function UserPage() {
  const { t } = useTranslation();
  const { userId } = useParams({ from: "/users/$userId" });
  const user = useQuery(userQuery(userId));
  if (user.error && !user.data) {
    return <PageProblem error={user.error} to="/users" onRetry={() => void user.refetch()} />;
  }
  if (!user.data) return <Loading height={420} />;
  return (
    <>
      <PageHeader title={user.data.name} lead={<Face name={user.data.name} size={36} />}>
        <Marks user={user.data} />
      </PageHeader>
      <div className={classes.profile}>
        <section className="panel" aria-labelledby="current">
          <Title order={2} fz="md" id="current" mb="sm">
            {t("users.current")}
          </Title>
          <CurrentAsset userId={userId} />
        </section>
        <section className="panel" aria-labelledby="last">
          <Title order={2} fz="md" id="last" mb="sm">
            {t("users.last")}
          </Title>
          <LastAssignments userId={userId} />
        </section>
      </div>
    </>
  );
}

function Marks({ user }: { user: User }) {
  const { t } = useTranslation();
  return (
    <Group gap="xs" wrap="nowrap" miw={0}>
      <Text size="sm" c="var(--muted)">
        {user.email}
      </Text>
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
    </Group>
  );
}

function LastAssignments({ userId }: { userId: string }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(historyQuery(userId));
  if (error) return <ProblemBox error={error} onRetry={() => void refetch()} />;
  if (!data) return <Loading height={240} />;
  if (data.history.length === 0) {
    return (
      <Text size="sm" c="var(--muted)">
        {t("users.noHistory")}
      </Text>
    );
  }
  return (
    <>
      <Timeline userId={userId} entries={data.history} />
      <Link to="/audit" search={{ user: userId }} className={`quiet-link ${classes.whole}`}>
        <ScrollText size={15} aria-hidden />
        {t("users.whole", { count: data.total })}
      </Link>
    </>
  );
}
