import { Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import i18next from "i18next";
import { Check, CircleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { Problem } from "@/api/problem";
import { detailOf, headingOf, TraceId } from "./ProblemBox";

const SECONDS = 1000;

interface Told {
  title?: string;
  message: ReactNode;
  /** Another toast with the same id takes the place of this one. */
  id?: string;
}

/**
 * Says quietly that something was done. It takes no focus, and is never the only place.
 *
 * Call it from the promise of `mutateAsync`: the callbacks of `mutate` are dropped with the component,
 * which the change itself may take off the page before the answer is there.
 */
export function toastDone({ id, title, message }: Told): void {
  notifications.show({
    ...(id ? { id } : {}),
    title,
    message,
    role: "status",
    color: "teal",
    icon: <Check size={16} aria-hidden />,
    autoClose: 5 * SECONDS,
  });
}

/** Says what was not done and why; it stays longer, and has the trace id to copy. */
export function toastProblem(error: unknown, title?: string): void {
  const problem = Problem.of(error);
  const t = i18next.t as Parameters<typeof detailOf>[1];
  notifications.show({
    title: title ?? headingOf(problem, t),
    message: (
      <>
        <Text size="sm">{detailOf(problem, t)}</Text>
        {problem.traceId && <TraceId id={problem.traceId} />}
      </>
    ),
    role: "alert",
    color: "red",
    icon: <CircleAlert size={16} aria-hidden />,
    autoClose: 12 * SECONDS,
  });
}
