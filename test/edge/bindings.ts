import type { Bindings } from "#edge/env.ts";
import type worker from "#edge/worker.ts";

declare global {
  namespace Cloudflare {
    interface Env extends Bindings {
      readonly ADMIN_KEY: string;
      readonly TEST_API_KEY: string;
      /** Holds exchanges against the API's description: `contract-service.ts`. */
      readonly TEST_CONTRACT: Fetcher;
      readonly TEST_FULL: string;
      readonly TEST_MIGRATIONS: string;
      readonly TEST_TICKET_KEYS: string;
      /** An empty database beside the Worker's own, for tests of migrations. */
      readonly OLD_DB: D1Database;
      /** Of an environment that a test loses, and of the one that it restores into. */
      readonly LOST_DB: D1Database;
      readonly NEW_DB: D1Database;
      /** The backups of both. */
      readonly SHARED_BACKUPS: R2Bucket;
    }
    interface GlobalProps {
      readonly mainModule: { readonly default: typeof worker };
    }
  }
}
