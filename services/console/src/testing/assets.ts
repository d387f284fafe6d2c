import type { Asset } from "@/api/client";

/** An asset as the API tells it, different where a test needs it. */
export function anAsset(change: Partial<Asset> = {}): Asset {
  return {
    id: "0193-a",
    title: "Aurora",
    filename: "aurora.mp4",
    size_bytes: 1_000_000,
    sha256: "00",
    width: 640,
    height: 360,
    duration_seconds: 2,
    conversion_status: "completed",
    progress: 100,
    conversion_error: null,
    conversion_error_code: null,
    gif_url: null,
    webm_url: null,
    mp4_url: null,
    thumbnail_url: null,
    poster_best_url: null,
    user_id: null,
    assigned_at: null,
    assigned_by: null,
    active_assignment_count: 0,
    created_at: "2026-11-20T12:00:00.000000Z",
    created_by: null,
    deleted_at: null,
    ...change,
  };
}
