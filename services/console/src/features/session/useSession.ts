import { useSyncExternalStore } from "react";
import { type SessionState, type SignedInUser, session } from "@/api/session";

/** Who is signed in, and whether they still are. */
export function useSession(): SessionState {
  return useSyncExternalStore(session.subscribe, session.state);
}

/** The person at work; only for what is shown to who is signed in. */
export function useMe(): SignedInUser {
  const state = useSession();
  if (!("user" in state)) throw new Error("nobody is signed in");
  return state.user;
}
