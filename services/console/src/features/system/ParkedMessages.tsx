import { Alert, Button, Code, Group, Modal, Stack, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { CircleCheck, RotateCcw } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Ago } from "@/ui/Ago";
import { ListEnd, useEndless } from "@/ui/endless";
import { Loading } from "@/ui/Loading";
import { ProblemBox } from "@/ui/ProblemBox";
import { toastDone, toastProblem } from "@/ui/toast";
import { type Parked, parkedOneQuery, parkedQuery, useReplay } from "./queries";
import classes from "./system.module.css";

/** What nobody could work off, why, and the button that tries again. */
export function ParkedMessages() {
  const { t } = useTranslation();
  const found = useInfiniteQuery(parkedQuery());
  const [shown, setShown] = useState<Parked | null>(null);
  const [opened, message] = useDisclosure(false);
  const open = (one: Parked) => {
    setShown(one);
    message.open();
  };
  const { items, more } = useEndless(found);
  if (found.error && !found.data) {
    return <ProblemBox error={found.error} onRetry={() => void found.refetch()} />;
  }
  if (!found.data) return <Loading height={80} />;
  const missing = found.data.pages[0]?.missing ?? [];
  return (
    <Stack gap="sm">
      {missing.length > 0 && (
        <Alert color="orange">{t("system.notAsked", { names: missing.join(", ") })}</Alert>
      )}
      {items.length === 0 && (
        <Group className="panel" gap="sm">
          <CircleCheck size={18} aria-hidden />
          <Text size="sm">{t("system.nothingParked")}</Text>
        </Group>
      )}
      <ul className={classes.parked}>
        {items.map((parked) => (
          <li key={parked.id} className="panel" data-parked={parked.id}>
            <ParkedLine parked={parked} onOpen={() => open(parked)} />
          </li>
        ))}
      </ul>
      {found.hasNextPage && (
        <Button variant="default" loading={found.isFetchingNextPage} onClick={more}>
          {t("assign.more")}
        </Button>
      )}
      {found.isFetchNextPageError && <ListEnd found={found} />}
      <Modal
        opened={opened}
        onClose={message.close}
        size="xl"
        title={shown?.event_type ?? t("system.message")}
      >
        {shown && <Message id={shown.id} />}
      </Modal>
    </Stack>
  );
}

function ParkedLine({ parked, onOpen }: { parked: Parked; onOpen: () => void }) {
  const { t } = useTranslation();
  const replay = useReplay();
  const again = () =>
    void replay
      .mutateAsync(parked.id)
      .then(({ outcome }) => toastDone({ message: t(`system.${outcome}`) }), toastProblem);
  return (
    <Group justify="space-between" gap="sm">
      <div style={{ flex: "1 1 260px", minWidth: 0 }}>
        <Text size="sm" fw={600} className="clip">
          {parked.event_type ?? t("system.message")} · {parked.queue}
        </Text>
        <Text size="sm" c="var(--danger)" lineClamp={2}>
          {whyOf(parked)}
        </Text>
        <Text size="xs" c="var(--muted)">
          <Ago time={parked.parked_at} /> · {t("system.attempts", { count: parked.attempts })}
          {parked.replays > 0 && ` · ${t("system.replays", { count: parked.replays })}`}
        </Text>
      </div>
      <Group gap="xs">
        <Button variant="subtle" size="compact-sm" onClick={onOpen}>
          {t("system.look")}
        </Button>
        <Button
          variant="light"
          size="compact-sm"
          leftSection={<RotateCcw size={14} aria-hidden />}
          loading={replay.isPending}
          onClick={again}
        >
          {t("system.replay")}
        </Button>
      </Group>
    </Group>
  );
}

/** Why it was parked; an error that says its own class is not told twice. */
function whyOf({ error, error_class }: Parked): string {
  return error.startsWith(error_class) ? error : `${error_class}: ${error}`;
}

function Message({ id }: { id: string }) {
  const { data, error } = useQuery(parkedOneQuery(id));
  if (error) return <ProblemBox error={error} />;
  if (!data) return <Loading height={160} />;
  return (
    <Stack gap="sm">
      <Text size="sm">{data.error}</Text>
      <Code block className={classes.body} tabIndex={0}>
        {JSON.stringify(data.headers, null, 2)}
      </Code>
      <Code block className={classes.body} tabIndex={0}>
        {legible(data.body)}
      </Code>
    </Stack>
  );
}

/** JSON with its lines broken; anything else as it is. */
function legible(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body), null, 2);
  } catch {
    return body;
  }
}
