import type { components } from "@/api/schema";
import { meaningOf } from "@/app/i18n";
import { useNameOf } from "@/features/users/Person";

export type Failure = components["schemas"]["FailureView"];

/** Who could not be given an asset, and why. */
export function Failed({ failure }: { failure: Failure }) {
  const { user_id, error, detail } = failure;
  return (
    <>
      <b>{useNameOf(user_id)}</b>: {meaningOf(error)?.detail ?? detail}
    </>
  );
}
