import { registerHooks } from "node:module";

// The routes name classes of the Workers runtime; to be described they need not run.
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "cloudflare:workers"
      ? { url: "data:text/javascript,export class DurableObject {}", shortCircuit: true }
      : next(specifier, context),
});

/** The API's two descriptions, by their names, as they are served at `origin`. */
export async function describeApi(origin: string): Promise<Readonly<Record<string, object>>> {
  const { apiDescription, withoutWebhooks } = await import("#edge/routes/openapi/openapi.ts");
  const description = apiDescription(origin);
  return {
    "openapi.json": description,
    "openapi-without-webhooks.json": withoutWebhooks(description),
  };
}
