import { settingsOf } from "#edge/settings.ts";
import { localHostRefusal } from "#wire/public-address.ts";
import { lineOf } from "./toml-lines.ts";
import { type Environment, WRANGLER_TOML, type WranglerConfig } from "./wrangler-config.ts";

/** What must be changed before anything is deployed. */
export interface Placeholder {
  /** `wrangler.toml:128`: where to change it. */
  readonly where: string;
  /** What is wrong with it, and what to write. */
  readonly says: string;
}

/** Names that stand for somebody else's. Source: RFC 2606, RFC 6761. */
const EXAMPLES = /(?:^|\.)(?:example|test|invalid|example\.(?:com|net|org))$/;

const ZERO_ID = /^[0-]+$/;

/** Stand-ins of secrets, so that the edge's own reading of its settings can be asked what it would refuse. */
const STAND_INS = {
  TICKET_KEY: JSON.stringify({
    kid: "x",
    kty: "OKP",
    crv: "Ed25519",
    x: "x".repeat(43),
    d: "x".repeat(43),
  }),
};

/** Everything in an environment that only works on this machine, or stands for what is to be filled in; all at once. */
export function placeholdersIn(
  config: WranglerConfig,
  environment: Environment,
  toml: string,
): readonly Placeholder[] {
  const at = (table: string, key: string): string => {
    const line = lineOf(toml, `env.${environment}.${table}`, key);
    return line === null ? WRANGLER_TOML : `${WRANGLER_TOML}:${line}`;
  };
  const found: Placeholder[] = [];
  for (const key of ["FUNCTION_URL", "FETCH_URL"]) {
    const value = config.vars[key];
    // Functions that register name themselves.
    if (typeof value !== "string" || value === "") continue;
    for (const url of value.split(",")) {
      const fault = addressFault(url.trim());
      if (fault !== null)
        found.push({ where: at("vars", key), says: `${key} is ${url.trim()}: ${fault}` });
    }
  }
  if (environment === "production" && config.vars["FETCH_PRIVATE"] === "allow")
    found.push({
      where: at("vars", "FETCH_PRIVATE"),
      says: "FETCH_PRIVATE is allow: whoever asks could reach your private networks; take the line out",
    });
  for (const { database_name, database_id } of config.d1_databases)
    if (database_id !== undefined && ZERO_ID.test(database_id))
      found.push({
        where: at("d1_databases", "database_id"),
        says: `the id of database ${database_name} is all zeros: take the line out, it is found by name`,
      });
  for (const route of config.routes ?? []) {
    const pattern = typeof route === "string" ? route : route.pattern;
    if (EXAMPLES.test(pattern.split("/")[0] ?? "") || pattern.includes("your-domain"))
      found.push({ where: at("", "routes"), says: `route ${pattern}: name a domain of yours` });
  }
  return found.length > 0 ? found : settingFaults(config, at);
}

function addressFault(text: string): string | null {
  if (!URL.canParse(text)) return "no address; write https:// and where the function is reached";
  const url = new URL(text);
  if (localHostRefusal(url) !== null)
    return "only this machine, or its network, reaches it; name where the edge reaches the function";
  if (EXAMPLES.test(url.hostname)) return "a placeholder; name where the edge reaches the function";
  if (url.protocol !== "https:")
    return "questions and pictures would travel in clear; use https://";
  return null;
}

/** What the edge itself would refuse at its first request. */
function settingFaults(
  { vars }: WranglerConfig,
  at: (table: string, key: string) => string,
): readonly Placeholder[] {
  try {
    // Its own schema checks every member: what is bound is text or it is refused.
    settingsOf({ ...vars, ...STAND_INS } as unknown as Parameters<typeof settingsOf>[0]);
    return [];
  } catch (cause) {
    const says = cause instanceof Error ? cause.message : String(cause);
    const [, key = "FUNCTION_URL"] = /configured: ([A-Z_]+)/.exec(says) ?? [];
    return [{ where: at("vars", key), says }];
  }
}
