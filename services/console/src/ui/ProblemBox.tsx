import { Alert, Button, CopyButton, Group, Text } from "@mantine/core";
import { CircleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";
import { Problem } from "@/api/problem";
import { meaningOf } from "@/app/i18n";

interface Props {
  error: unknown;
  title?: string;
  onRetry?: () => void;
}

/** Why something was not done, in words a person can act on, and the trace id to report it. */
export function ProblemBox({ error, title, onRetry }: Props) {
  const { t } = useTranslation();
  const problem = Problem.of(error);
  return (
    <Alert
      color="red"
      variant="light"
      role="alert"
      icon={<CircleAlert size={18} aria-hidden />}
      title={title ?? headingOf(problem, t)}
    >
      <Text size="sm">{detailOf(problem, t)}</Text>
      <Group gap="xs" mt={onRetry || problem.traceId ? "xs" : 0}>
        {onRetry && (
          <Button size="compact-sm" variant="light" color="red" onClick={onRetry}>
            {t("problem.retry")}
          </Button>
        )}
        {problem.traceId && <TraceId id={problem.traceId} />}
      </Group>
    </Alert>
  );
}

/** A trace id that a click copies. */
export function TraceId({ id }: { id: string }) {
  const { t } = useTranslation();
  return (
    <CopyButton value={id}>
      {({ copied, copy }) => (
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          onClick={copy}
          ff="monospace"
          fw={400}
          aria-label={t("problem.copyTrace")}
        >
          {copied ? t("problem.copied") : `${t("problem.trace")} ${id.slice(0, 8)}…`}
        </Button>
      )}
    </CopyButton>
  );
}

type T = ReturnType<typeof useTranslation>["t"];

/** What a problem is called: by its code, else as the server calls it. */
export function headingOf(problem: Problem, t: T): string {
  if (problem.code === "offline") return t("problem.offline");
  if (problem.status >= 500 && problem.passing) return t("problem.unavailable");
  return meaningOf(problem.code)?.title ?? (problem.title || t("problem.unexpected"));
}

/** What a problem means to a person: by its code, else as the server says it. */
export function detailOf(problem: Problem, t: T): string {
  if (problem.code === "offline") return t("problem.offlineText");
  return meaningOf(problem.code)?.detail ?? (problem.detail || t("problem.unexpectedText"));
}
