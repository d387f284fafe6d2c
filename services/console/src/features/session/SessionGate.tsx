import { Center, Loader } from "@mantine/core";
import { type ReactNode, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { session } from "@/api/session";
import { ProblemBox } from "@/ui/ProblemBox";
import { NotForYou } from "./NotForYou";
import { SignInPage } from "./SignInPage";
import classes from "./session.module.css";
import { useSession } from "./useSession";

const AGAIN_MS = 3_000;

/**
 * Shows the console to who is signed in. When a session ends, the sign-in lies over the page
 * until somebody is back: what they typed and where they were is untouched beneath it.
 */
export function SessionGate({ children }: { children: ReactNode }) {
  const state = useSession();
  switch (state.phase) {
    case "loading":
      return (
        <Center h="100dvh">
          <Loader type="dots" />
        </Center>
      );
    case "unreachable":
      return <Unreachable problem={state.problem} />;
    case "out":
      return <SignInPage />;
    default:
      if (state.user.role !== "admin") return <NotForYou user={state.user} />;
      return (
        <>
          {children}
          {state.phase === "expired" && <SignInAgain email={state.user.email} />}
        </>
      );
  }
}

function Unreachable({ problem }: { problem: unknown }) {
  const { t } = useTranslation();
  useEffect(() => {
    const timer = setInterval(() => void session.refresh(), AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <Center h="100dvh" p="md">
      <ProblemBox
        error={problem}
        title={t("session.unreachable")}
        onRetry={() => void session.refresh()}
      />
    </Center>
  );
}

/** A dialog of the browser's own: it makes all beneath it inert, dialogs of ours included. */
function SignInAgain({ email }: { email: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>("input[name=password]")?.focus();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={classes.over}
      aria-labelledby="sign-in-title"
      onCancel={(event) => event.preventDefault()}
    >
      <SignInPage again={email} />
    </dialog>
  );
}
