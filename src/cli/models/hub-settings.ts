import { DEFAULT_HUB, type Hub } from "#weights/remote/hub.ts";
import { type CommandIo, UsageError } from "../command.ts";

/** Hosts that stand on this machine: what is sent there in clear is seen by nobody else. */
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** The hub's address, as it is written: it decides what is one of its pages. */
export function hubEndpoint(env: CommandIo["env"]): string {
  return (env["HF_ENDPOINT"] || DEFAULT_HUB).replace(/\/+$/, "");
}

/**
 * Reads which hub is meant and who asks: `HF_ENDPOINT` (a mirror) and `HF_TOKEN`, the names that the hub's own tools have.
 * Throws UsageError for an address that cannot be one, and for a token that would travel in clear.
 */
export function hubSettings(env: CommandIo["env"]): Hub {
  const endpoint = hubEndpoint(env);
  const token = env["HF_TOKEN"]?.trim();
  if (!/^https?:\/\//i.test(endpoint) || !URL.canParse(endpoint))
    throw new UsageError(`HF_ENDPOINT is ${endpoint}: write it as ${DEFAULT_HUB}`);
  const { protocol, hostname, username, password, search, hash } = new URL(endpoint);
  if (username !== "" || password !== "" || search !== "" || hash !== "")
    throw new UsageError("HF_ENDPOINT is an address without user, password, ? and #");
  if (token === undefined || token === "") return { endpoint };
  // A header ends at a line break: what is behind it would be a header of its own.
  if (!/^[\x21-\x7e]{1,512}$/.test(token))
    throw new UsageError("HF_TOKEN is no token: it has spaces, or is longer than one is");
  if (protocol === "http:" && !LOOPBACK.test(hostname))
    throw new UsageError(
      `HF_TOKEN would travel in clear to ${endpoint}: name an https:// address, or unset HF_TOKEN`,
    );
  return { endpoint, token };
}
