import { logFault } from "../log.ts";
import type { WatchCaller } from "./catalog.ts";
import { HeardWord } from "./heard-word.ts";

/** What the edge keeps things in. */
export interface Storage {
  readonly DB: D1Database;
  readonly IMAGES: R2Bucket;
}

/** Whether each could be read, and when that was asked, in milliseconds since 1970. */
export interface StorageWord {
  readonly database: boolean;
  readonly pictures: boolean;
  readonly heardAt: number;
}

/** Storage that takes longer is not there for anybody who waits for an answer. */
const PATIENCE_MS = 2_000;

/** What an isolate remembers of whether its storage can be reached: it is asked every few seconds at the most, whoever wants to know. */
export class StorageWatch {
  readonly #word = new HeardWord<StorageWord>(({ database, pictures }) => database && pictures);

  /** Never rejects. */
  async look({ DB, IMAGES }: Storage, { requestId, waitUntil }: WatchCaller): Promise<StorageWord> {
    const read = async (): Promise<StorageWord> => {
      const heardAt = Date.now();
      const [database, pictures] = await Promise.all([
        reaches("the database", requestId, () => DB.prepare("SELECT 1").run()),
        // A key that no picture has: whether it is there is no matter.
        reaches("the bucket of pictures", requestId, () => IMAGES.head("health")),
      ]);
      return { database, pictures, heardAt };
    };
    const pause = async (milliseconds: number): Promise<void> => await scheduler.wait(milliseconds);
    return await this.#word.latest({ read, now: Date.now, waitUntil, pause });
  }
}

async function reaches(
  what: string,
  requestId: string,
  ask: () => Promise<unknown>,
): Promise<boolean> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE_MS} ms`)), PATIENCE_MS);
  try {
    await Promise.race([ask(), late]);
    return true;
  } catch (cause) {
    logFault(`${what} cannot be reached`, requestId, cause);
    return false;
  } finally {
    clearTimeout(timer);
  }
}

/** The isolate's own. */
export const storageWatch: StorageWatch = new StorageWatch();
