import type { ConversionStatus } from "@/api/client";

/** One thing that happened, as the server tells it; what is transient has no offset. */
export type LiveEvent = {
  [Type in keyof EventData]: {
    type: Type;
    data: EventData[Type];
    offset?: number;
    id?: string;
    time: string;
  };
}[keyof EventData];

interface Assigned {
  assignment_id: string;
  operation_id: string;
  asset_id: string;
  user_id: string;
  previous_asset_id: string | null;
  undo_expires_at: string | null;
}

interface OperationTold {
  operation_id: string;
  kind: string;
  user_count: number;
}

interface EventData {
  "converter.asset.uploaded": { asset_id: string; title: string };
  "converter.asset.status_changed": {
    asset_id: string;
    status: ConversionStatus;
    previous_status: ConversionStatus;
    error?: string | null;
    error_code?: string | null;
  };
  "converter.asset.rendition_ready": {
    asset_id: string;
    rendition: "thumbnail" | "mp4" | "gif" | "webm";
    url?: string;
  };
  "converter.asset.progress": { asset_id: string; percent: number; stage: string };
  "converter.asset.deleted": { asset_id: string };
  "converter.asset.restored": { asset_id: string };
  "assignment.asset.assigned": Assigned;
  "assignment.asset.unassigned": Assigned;
  "assignment.operation.completed": OperationTold;
  "assignment.operation.undone": OperationTold;
}

/** What to do about each kind of event; features bring theirs, and several may care for one. */
export type Reactions = {
  [Type in keyof EventData]?: (data: EventData[Type]) => void;
};

/** Hands an event to whoever cares; kinds that nobody knows are newer than this page. */
export function react(reactions: readonly Reactions[], event: LiveEvent): void {
  for (const each of reactions) {
    const reaction = each[event.type] as ((data: LiveEvent["data"]) => void) | undefined;
    reaction?.(event.data);
  }
}
