/** An upload under way, with its file: enough to go on after a reload. */
export interface Kept {
  id: string;
  file: File;
  /** Where on the server it goes on, once it has begun there. */
  url: string | null;
  paused: boolean;
  addedAt: number;
}

/**
 * Acts once no other window has this upload in hand, and keeps it in this one's until that closes:
 * two windows must not send the same file, but one goes on when the other is gone.
 */
export function takeInHand(id: string, act: () => Promise<void>): void {
  const locks: LockManager | undefined = navigator.locks; // only where the page is secure
  if (!locks) {
    void act();
    return;
  }
  void locks.request(`marquee-upload-${id}`, async () => {
    await act();
    await new Promise(() => undefined);
  });
}

const [DATABASE, STORE] = ["marquee-uploads", "files"];

/** Keeps uploads in the browser's own database, as long as they are not done. */
export class Keep {
  readonly #opened: Promise<IDBDatabase>;

  constructor() {
    this.#opened = new Promise((resolve, reject) => {
      const asked = indexedDB.open(DATABASE, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "id" });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    this.#opened.catch(() => undefined); // private windows may have none: then nothing is kept
  }

  async all(): Promise<Kept[]> {
    const found = await this.#do<Kept[]>("readonly", (store) => store.getAll());
    return found.toSorted((one, other) => one.addedAt - other.addedAt);
  }

  async get(id: string): Promise<Kept | undefined> {
    return this.#do("readonly", (store) => store.get(id));
  }

  async put(kept: Kept): Promise<void> {
    await this.#do("readwrite", (store) => store.put(kept));
  }

  async change(id: string, change: Partial<Kept>): Promise<void> {
    const kept = await this.get(id);
    if (kept) await this.put({ ...kept, ...change });
  }

  async forget(id: string): Promise<void> {
    await this.#do("readwrite", (store) => store.delete(id));
  }

  async #do<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest): Promise<T> {
    const database = await this.#opened;
    return new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const asked = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  }
}
