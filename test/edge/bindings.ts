import type { Bindings } from "#edge/env.ts";
import type worker from "#edge/worker.ts";

declare global {
  namespace Cloudflare {
    interface Env extends Bindings {
      readonly ADMIN_KEY: string;
      readonly TEST_API_KEY: string;
      readonly TEST_MIGRATIONS: string;
      readonly TEST_TICKET_KEYS: string;
    }
    interface GlobalProps {
      readonly mainModule: { readonly default: typeof worker };
    }
  }
}
