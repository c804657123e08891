import type { Bindings } from "#edge/env.ts";
import type worker from "#edge/worker.ts";

declare global {
  namespace Cloudflare {
    interface Env extends Bindings {
      readonly ADMIN_KEY: string;
      readonly TEST_API_KEY: string;
      /** Holds exchanges against the API's description: `contract-service.ts`. */
      readonly TEST_CONTRACT: Fetcher;
      readonly TEST_MIGRATIONS: string;
      readonly TEST_TICKET_KEYS: string;
      /** An empty database beside the Worker's own, for tests of migrations. */
      readonly OLD_DB: D1Database;
    }
    interface GlobalProps {
      readonly mainModule: { readonly default: typeof worker };
    }
  }
}
