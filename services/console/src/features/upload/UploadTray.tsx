import { ActionIcon, CloseButton, Progress, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { Link } from "@tanstack/react-router";
import { ChevronDown, ChevronUp, Pause, Play, RotateCcw, X } from "lucide-react";
import { useEffect, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { bytes, duration } from "@/ui/format";
import { detailOf, TraceId } from "@/ui/ProblemBox";
import { secondsLeft } from "./speed";
import classes from "./upload.module.css";
import { type Item, uploads } from "./uploads";

/** What is being uploaded; it stays while one walks through the pages. */
export function UploadTray() {
  const { t } = useTranslation();
  const items = useSyncExternalStore(uploads.subscribe, uploads.items);
  const [folded, fold] = useDisclosure(false);
  useEffect(() => void uploads.restore(), []);
  useWarning();
  if (items.length === 0) return null;
  const left = items.filter(({ phase }) => phase === "sending" || phase === "waiting").length;
  const Chevron = folded ? ChevronUp : ChevronDown;
  return (
    <section className={classes.tray} aria-label={t("upload.title")}>
      <div className={classes.head}>
        <Text fw={650} size="sm" flex={1} role="status">
          {left > 0 ? t("upload.left", { count: left }) : t("upload.over")}
        </Text>
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t(folded ? "upload.unfold" : "upload.fold")}
          aria-expanded={!folded}
          onClick={fold.toggle}
        >
          <Chevron size={16} aria-hidden />
        </ActionIcon>
        {items.every(({ phase }) => phase === "done" || phase === "refused") && (
          <CloseButton aria-label={t("upload.clear")} onClick={() => uploads.clear()} />
        )}
      </div>
      {!folded && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it
        <ul className={classes.list} tabIndex={0} aria-label={t("upload.files")}>
          {items.map((item) => (
            <UploadItem key={item.id} item={item} />
          ))}
        </ul>
      )}
    </section>
  );
}

function UploadItem({ item }: { item: Item }) {
  const percent = item.size > 0 ? Math.floor((item.sent / item.size) * 100) : 0;
  const moving = item.phase === "sending" || item.phase === "waiting" || item.phase === "paused";
  const bad = item.phase === "refused" || item.phase === "failed";
  return (
    <li className={classes.item} data-upload={item.phase}>
      {item.assetId ? (
        <Link
          to="/assets/$assetId"
          params={{ assetId: item.assetId }}
          className={`${classes.name} clip`}
        >
          {item.name}
        </Link>
      ) : (
        <span className={`${classes.name} clip`} title={item.name}>
          {item.name}
        </span>
      )}
      <Controls item={item} />
      {moving && (
        <Progress
          className={classes.meter}
          value={percent}
          size="sm"
          color={item.phase === "paused" ? "gray" : undefined}
          aria-label={item.name}
        />
      )}
      <span className={`${classes.note} tabular`} data-bad={bad || undefined}>
        {useNote(item, percent)}{" "}
        {bad && item.problem?.traceId && <TraceId id={item.problem.traceId} />}
      </span>
    </li>
  );
}

function Controls({ item: { id, name, phase } }: { item: Item }) {
  const { t } = useTranslation();
  const button = (label: string, Icon: typeof Pause, act: (id: string) => void) => (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={`${label}: ${name}`}
      onClick={() => act(id)}
    >
      <Icon size={15} aria-hidden />
    </ActionIcon>
  );
  const over = phase === "done" || phase === "refused";
  return (
    <span style={{ display: "flex" }}>
      {(phase === "sending" || phase === "waiting") &&
        button(t("upload.pause"), Pause, (one) => uploads.pause(one))}
      {phase === "paused" && button(t("upload.resume"), Play, (one) => uploads.resume(one))}
      {phase === "failed" && button(t("upload.again"), RotateCcw, (one) => uploads.resume(one))}
      {button(t(over ? "upload.remove" : "upload.cancel"), X, (one) => uploads.cancel(one))}
    </span>
  );
}

/** How it stands, in words. */
function useNote(item: Item, percent: number): string {
  const { t } = useTranslation();
  const amounts = { sent: bytes(item.sent), size: bytes(item.size), percent };
  switch (item.phase) {
    case "waiting":
      return t("upload.waiting", amounts);
    case "paused":
      return t("upload.paused", amounts);
    case "done":
      return t("upload.done", amounts);
    case "refused":
    case "failed":
      if (item.objection) return t(`upload.objection.${item.objection}`, amounts);
      return item.problem ? detailOf(item.problem, t) : "";
    case "sending": {
      const left = secondsLeft(item.size, item.sent, item.speed);
      if (left === null) return t("upload.sending", amounts);
      const pace = { speed: `${bytes(item.speed)}/s`, left: duration(left) };
      return t("upload.sendingAt", { ...amounts, ...pace });
    }
  }
}

/** Asks before leaving, if leaving would lose something. */
function useWarning(): void {
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => {
      if (uploads.atStake) event.preventDefault();
    };
    addEventListener("beforeunload", warn);
    return () => removeEventListener("beforeunload", warn);
  }, []);
}
