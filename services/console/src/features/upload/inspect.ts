const BOX_HEADER = 8;
const BOX_KIND = 4;

/** Why a file need not be sent at all. */
export type Objection = "empty" | "tooLarge" | "notVideo" | "unreadable";

/**
 * Whether the server would refuse a file at first sight: it takes ISO media files, which begin
 * with a box named `ftyp`, up to `most` bytes. Null if there is no reason not to send it.
 */
export async function objection(file: Blob, most: number | null): Promise<Objection | null> {
  if (file.size === 0) return "empty";
  if (most !== null && file.size > most) return "tooLarge";
  try {
    const head = new Uint8Array(await file.slice(0, BOX_HEADER).arrayBuffer());
    const kind = String.fromCharCode(...head.slice(BOX_KIND));
    return kind === "ftyp" ? null : "notVideo";
  } catch {
    return "unreadable"; // a folder, or a file that is gone
  }
}
