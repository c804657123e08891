/** Bindings of objects that hold what accounts ask, and their money. */
const NAMESPACES = ["ANSWERS", "BATCHES", "CACHE", "KEEPERS", "LEDGER", "WEBHOOKS"] as const;

const pinnedOnes = new WeakMap<object, object>();

/**
 * The bindings with their objects restricted to the jurisdiction of this installation, where it has one: there alone they
 * compute and are stored. Whoever reaches objects goes through it, the Worker and the objects themselves: the same name leads to
 * other objects in another jurisdiction, so it is said once, before the first request, and never changed.
 * Source: Durable Objects, "Restrict Durable Objects to a jurisdiction". workerd does not implement it, and says so.
 */
export function pinned<Env extends object>(env: Env): Env {
  // Read by itself: an object that cannot read its settings keeps what it is told all the same.
  const { JURISDICTION: jurisdiction }: { readonly JURISDICTION?: unknown } = env;
  if (jurisdiction !== "eu" && jurisdiction !== "us") return env;
  const known = pinnedOnes.get(env);
  if (known !== undefined) return known as Env;
  const bound = env as Readonly<Record<string, unknown>>;
  const restricted = NAMESPACES.flatMap((name) => {
    const namespace = bound[name] as DurableObjectNamespace | undefined;
    return namespace === undefined ? [] : [[name, namespace.jurisdiction(jurisdiction)]];
  });
  const own: Env = { ...env, ...Object.fromEntries(restricted) };
  pinnedOnes.set(env, own);
  return own;
}
