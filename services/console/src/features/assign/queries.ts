import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, ask } from "@/api/client";
import { userQuery } from "@/features/users/queries";

/** What was given to whom, and until when that can be undone. */
export interface Given {
  operationId: string;
  /** Who was given it; those who had it already are not among them. */
  users: number;
  unchanged: number;
  /** Who it was, if it was one. */
  name?: string | undefined;
  expiresAt: string | null;
}

export function assigningKey(assetId: string) {
  return ["assign", assetId] as const;
}

/** Give an asset to one person, or to many as a whole; `onGiven` hears of it whatever is shown. */
export function useAssign(assetId: string, onGiven: (given: Given) => void) {
  const queries = useQueryClient();
  const nameOf = (id: string) => queries.getQueryData(userQuery(id).queryKey)?.name;
  return useMutation({
    mutationKey: assigningKey(assetId),
    mutationFn: (userIds: readonly string[]): Promise<Given> => {
      const [only] = userIds;
      return userIds.length === 1 && only
        ? toOne(assetId, only, nameOf(only))
        : toMany(assetId, userIds);
    },
    onSuccess: onGiven,
    onSettled: () => {
      void queries.invalidateQueries({ queryKey: ["users"] });
      void queries.invalidateQueries({ queryKey: ["operations"] });
    },
  });
}

async function toOne(assetId: string, userId: string, name?: string): Promise<Given> {
  const answer = await ask(
    api.POST("/api/admin/assets/{asset_id}/assign", {
      params: { path: { asset_id: assetId } },
      body: { user_id: userId },
    }),
  );
  return {
    operationId: answer.operation_id,
    name,
    users: answer.unchanged ? 0 : 1,
    unchanged: answer.unchanged ? 1 : 0,
    expiresAt: answer.unchanged ? null : answer.undo_expires_at,
  };
}

async function toMany(assetId: string, userIds: readonly string[]): Promise<Given> {
  const answer = await ask(
    api.POST("/api/admin/assets/bulk-assign", {
      body: { asset_id: assetId, user_ids: [...userIds] },
    }),
  );
  return {
    operationId: answer.operation_id,
    users: answer.successful_count,
    unchanged: answer.unchanged_count,
    expiresAt: answer.successful_count > 0 ? answer.undo_expires_at : null,
  };
}
