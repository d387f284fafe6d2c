import { DetailedError, type HttpResponse, Upload } from "tus-js-client";
import { Problem } from "@/api/problem";
import { session } from "@/api/session";

const CHUNK = 8 * 2 ** 20;
const ENDPOINT = "/api/admin/uploads";
const DELAYS = [300, 1_000, 2_000, 3_000, 5_000, ...Array<number>(20).fill(8_000)];
const LONGEST_TITLE = 200;

export interface Sending {
  file: File;
  url: string | null;
  onBegun: (url: string) => void;
  onProgress: (sent: number) => void;
  onDone: (assetId: string | null) => void;
  onFailed: (problem: Problem) => void;
}

/** An upload by tus: it goes on where it stopped, and by itself when the connection is back. */
export function sendingOf({ file, url, ...told }: Sending): Upload {
  let asset: string | null = null;
  const upload: Upload = new Upload(file, {
    endpoint: ENDPOINT,
    uploadUrl: url,
    chunkSize: CHUNK,
    retryDelays: DELAYS,
    storeFingerprintForResuming: false,
    removeFingerprintOnSuccess: false,
    metadata: { filename: file.name, title: titleOf(file.name) },
    onBeforeRequest: (request) => {
      if (session.csrfToken) request.setHeader("X-CSRF-Token", session.csrfToken);
    },
    onAfterResponse: (_, response) => {
      asset = assetIn(response) ?? asset;
    },
    onUploadUrlAvailable: () => {
      if (upload.url) told.onBegun(upload.url);
    },
    onProgress: (sent) => told.onProgress(sent),
    onSuccess: () => told.onDone(asset),
    onShouldRetry: (error) => mayPass(statusOf(error)),
    onError: (error) => told.onFailed(problemOf(error)),
  });
  return upload;
}

/** What an asset is called until somebody finds a better name. */
export function titleOf(filename: string): string {
  const bare = filename
    .replace(/\.[^.]+$/, "")
    .replaceAll(/[_\s]+/g, " ")
    .trim();
  return (bare || filename).slice(0, LONGEST_TITLE);
}

function assetIn(response: HttpResponse): string | null {
  return response.getHeader("Content-Location")?.match(/\/assets\/([\w-]+)$/)?.[1] ?? null;
}

function statusOf(error: Error): number {
  return error instanceof DetailedError ? (error.originalResponse?.getStatus() ?? 0) : 0;
}

function mayPass(status: number): boolean {
  return status === 0 || status === 409 || status === 423 || status === 429 || status >= 500;
}

function problemOf(error: Error): Problem {
  const status = statusOf(error);
  if (status === 0) return new Problem(0, { code: "offline" });
  const response = error instanceof DetailedError ? error.originalResponse : null;
  try {
    return Problem.read(status, JSON.parse(response?.getBody() ?? ""));
  } catch {
    return new Problem(status, { code: "unexpected", detail: error.message });
  }
}
