import type { SqlStore, SqlValue } from "../../storage/sql-store.ts";
import { noteReceiver, receiverOf } from "./receivers.ts";
import { storedDetails, storedSecrets } from "./stored.ts";
import type {
  AccountSecrets,
  Endpoint,
  EndpointsOutcome,
  SavedEndpoints,
} from "./webhook-tables.ts";

/** Lists the endpoints, oldest first. */
export function readEndpoints(store: SqlStore): Endpoint[] {
  return store.all<EndpointRow>("SELECT * FROM endpoints ORDER BY created_at, id").map(endpointOf);
}

/** Finds an endpoint; null where there is none. */
export function readEndpoint(store: SqlStore, id: string): Endpoint | null {
  const [row] = store.all<EndpointRow>("SELECT * FROM endpoints WHERE id = ?", [id]);
  return row === undefined ? null : endpointOf(row);
}

/** Keeps an endpoint. What was on its way to it goes to its new address; once it is disabled, nothing does. */
export function putEndpoint(store: SqlStore, endpoint: Endpoint): void {
  const { id, url, failingSince, createdAt, ...details } = endpoint;
  store.all(
    `INSERT INTO endpoints (id, url, receiver, details, is_enabled, failing_since, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE
       SET url = excluded.url, receiver = excluded.receiver, details = excluded.details, is_enabled = excluded.is_enabled,
         failing_since = excluded.failing_since`,
    [
      id,
      url,
      receiverOf(url),
      storedDetails.write(details),
      endpoint.isEnabled ? 1 : 0,
      failingSince,
      createdAt,
    ],
  );
  const before = receiversOf(store, id);
  store.all(
    "UPDATE deliveries SET url = ?, receiver = ? WHERE endpoint_id = ? AND state = 'waiting'",
    [url, receiverOf(url), id],
  );
  if (!endpoint.isEnabled) failWaiting(store, id);
  for (const receiver of new Set([...before, receiverOf(url)])) noteReceiver(store, receiver);
}

/** Deletes an endpoint and gives up what was on its way to it. False where there is none. */
export function deleteEndpoint(store: SqlStore, id: string): boolean {
  if (readEndpoint(store, id) === null) return false;
  const before = receiversOf(store, id);
  failWaiting(store, id);
  for (const receiver of before) noteReceiver(store, receiver);
  store.all("DELETE FROM endpoints WHERE id = ?", [id]);
  return true;
}

/** Notes that an attempt at an endpoint failed, or that one did not. */
export function markAttempt(store: SqlStore, id: string | null, failedAt: number | null): void {
  store.all(
    `UPDATE endpoints SET failing_since = CASE WHEN ?1 IS NULL THEN NULL
       ELSE coalesce(failing_since, ?1) END WHERE id = ?2`,
    [failedAt, id],
  );
}

/** Reads the account's secrets; null before the first. */
export function readSecrets(store: SqlStore): AccountSecrets | null {
  const [row] = store.all<{ secrets: string }>("SELECT secrets FROM settings");
  return row === undefined ? null : storedSecrets.read(row.secrets);
}

/** Replaces the account's secrets. */
export function putSecrets(store: SqlStore, secrets: AccountSecrets): void {
  store.all(
    `INSERT INTO settings (one, secrets) VALUES (1, ?)
       ON CONFLICT (one) DO UPDATE SET secrets = excluded.secrets`,
    [storedSecrets.write(secrets)],
  );
}

/** Reads what is to be kept of an account's webhooks. */
export function readSaved(store: SqlStore): SavedEndpoints {
  const endpoints = readEndpoints(store).map(({ failingSince: _, ...endpoint }) => endpoint);
  return { endpoints, secrets: readSecrets(store) };
}

/** Writes it into an account that has none; in one transaction of its caller's. */
export function restoreSaved(
  store: SqlStore,
  accountId: string,
  cut: string,
  { endpoints, secrets }: SavedEndpoints,
): EndpointsOutcome {
  const [account] = store.all<{ restored_from: string | null }>(
    "SELECT restored_from FROM account",
  );
  if (account?.restored_from === cut) return "before";
  const isEmpty = readEndpoints(store).length === 0 && readSecrets(store) === null;
  if (!isEmpty || (account?.restored_from ?? null) !== null) return "not_empty";
  for (const endpoint of endpoints) putEndpoint(store, { ...endpoint, failingSince: null });
  if (secrets !== null) putSecrets(store, secrets);
  store.all(
    `INSERT INTO account (one, id, restored_from) VALUES (1, ?1, ?2)
       ON CONFLICT (one) DO UPDATE SET restored_from = excluded.restored_from`,
    [accountId, cut],
  );
  return "restored";
}

interface EndpointRow extends Record<string, SqlValue> {
  readonly id: string;
  readonly url: string;
  /** What no query searches for, as JSON. */
  readonly details: string;
  readonly failing_since: number | null;
  readonly created_at: number;
}

function endpointOf({ id, url, details, failing_since, created_at }: EndpointRow): Endpoint {
  const rest = storedDetails.read(details);
  return { id, url, ...rest, failingSince: failing_since, createdAt: created_at };
}

/** Whom everything that waits for an endpoint burdens. */
function receiversOf(store: SqlStore, endpointId: string): readonly string[] {
  return store
    .all<{ receiver: string }>(
      "SELECT DISTINCT receiver FROM deliveries WHERE endpoint_id = ? AND state = 'waiting'",
      [endpointId],
    )
    .map(({ receiver }) => receiver);
}

function failWaiting(store: SqlStore, endpointId: string): void {
  store.all(
    `UPDATE deliveries SET state = 'failed', due_at = NULL, leased_until = NULL
       WHERE endpoint_id = ? AND state = 'waiting'`,
    [endpointId],
  );
}
