import { DurableObject } from "cloudflare:workers";

interface Env {
  readonly FUNCTION: DurableObjectNamespace<FunctionContainer>;
  readonly TICKET_KEYS: string;
  readonly MODEL: string;
  readonly S3_ENDPOINT: string;
  readonly S3_BUCKET: string;
  readonly S3_ACCESS_KEY_ID: string;
  readonly S3_SECRET_ACCESS_KEY: string;
}

const PORT = 8788;

/** After so long without a request the container is stopped; the next one starts it anew. */
const IDLE_MS = 600_000;

/** The container of the inference function: one object, one container. */
export class FunctionContainer extends DurableObject<Env> {
  override async fetch(request: Request): Promise<Response> {
    const { container } = this.ctx;
    if (container === undefined) return unavailable("this object has no container");
    if (!container.running) {
      const { env } = this;
      container.start({
        enableInternet: true,
        env: {
          UNMASK_PORT: String(PORT),
          UNMASK_TICKET_KEYS: env.TICKET_KEYS,
          UNMASK_MODEL: env.MODEL,
          UNMASK_S3_ENDPOINT: env.S3_ENDPOINT,
          UNMASK_S3_BUCKET: env.S3_BUCKET,
          UNMASK_S3_ACCESS_KEY_ID: env.S3_ACCESS_KEY_ID,
          UNMASK_S3_SECRET_ACCESS_KEY: env.S3_SECRET_ACCESS_KEY,
          UNMASK_DRAIN_TIMEOUT_MS: "8000",
        },
      });
      await container.setInactivityTimeout(IDLE_MS);
    }
    const { pathname, search } = new URL(request.url);
    try {
      return await container
        .getTcpPort(PORT)
        .fetch(new Request(`http://function${pathname}${search}`, request));
    } catch (cause) {
      // It does not listen yet: as the edge reads a function that cannot be reached.
      return unavailable(cause instanceof Error ? cause.message : String(cause));
    }
  }
}

function unavailable(reason: string): Response {
  return Response.json({ status: "starting", reason }, { status: 503 });
}

/** Hands every request on to the one container; who may ask is the function's to say, by the ticket. */
const handler: ExportedHandler<Env> = {
  fetch: (request: Request, env: Env): Promise<Response> =>
    env.FUNCTION.getByName("function").fetch(request),
};

export default handler;
