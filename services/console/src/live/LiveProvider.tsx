import { useQueryClient } from "@tanstack/react-query";
import {
  createContext,
  type ReactNode,
  use,
  useEffect,
  useState,
  useSyncExternalStore,
} from "react";
import { api, ask } from "@/api/client";
import { session } from "@/api/session";
import { LiveConnection, type LiveState, type Polled } from "./connection";
import { react } from "./events";
import { reactionsOf } from "./reactions";
import { refresh } from "./refresh";

const Live = createContext<LiveConnection | null>(null);

/** Keeps what is shown up to date, as long as somebody is signed in. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [live] = useState(() => {
    const reactions = reactionsOf(queries);
    return new LiveConnection({
      open: () => new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws`),
      poll,
      onEvent: (event) => react(reactions, event),
      onGap: () => refresh(queries),
      onExpired: () => session.renewed(),
    });
  });
  useEffect(() => {
    const hurry = () => live.hurry();
    live.start();
    addEventListener("online", hurry);
    document.addEventListener("visibilitychange", hurry);
    return () => {
      live.stop();
      removeEventListener("online", hurry);
      document.removeEventListener("visibilitychange", hurry);
    };
  }, [live]);
  return <Live value={live}>{children}</Live>;
}

async function poll(since: number, epoch: string | null): Promise<Polled> {
  const query = { since, limit: 500, ...(epoch ? { epoch } : {}) };
  return (await ask(api.GET("/api/admin/events", { params: { query } }))) as unknown as Polled;
}

/** How well the connection is. */
export function useLiveState(): LiveState {
  const live = use(Live);
  if (!live) throw new Error("no LiveProvider around");
  return useSyncExternalStore(live.subscribe, live.state);
}
