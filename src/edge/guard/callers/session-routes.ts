import type { SessionScope } from "#wire/api/accounts/sessions.ts";
import { isAt } from "../errors.ts";

/** Methods and path of routes that a session may be used for, and the scopes one of which it must have; none for its own. */
type SessionRoute = readonly [methods: string, path: string, scopes: readonly SessionScope[]];

/**
 * All that a session's cookie is for. Everywhere else it is as if there were none: no question is ever paid for with a
 * cookie, except one that is asked again to compare (`replay`).
 */
const routes: readonly SessionRoute[] = [
  ["GET DELETE", "/v1/session", []],
  ["GET DELETE", "/v1/sessions", []],
  ["DELETE", "/v1/sessions/:id", []],
  ["POST", "/v1/sign_in_codes", ["admin"]],
  ["GET", "/v1/account", ["usage"]],
  ["GET", "/v1/usage", ["usage"]],
  ["GET", "/v1/ledger", ["usage"]],
  ["GET", "/v1/refusals", ["usage"]],
  ["GET", "/v1/models", ["answers"]],
  ["GET", "/v1/models/:id", ["answers"]],
  ["GET", "/v1/answers", ["answers"]],
  ["GET", "/v1/answers/:id", ["answers"]],
  ["POST", "/v1/answers/:id/replay", ["replay"]],
  ["GET POST", "/v1/webhook_endpoints", ["webhooks"]],
  ["GET PATCH DELETE", "/v1/webhook_endpoints/:id", ["webhooks"]],
  ["POST", "/v1/webhook_endpoints/:id/rotate_secret", ["webhooks"]],
  ["POST", "/v1/webhook_endpoints/:id/test", ["webhooks"]],
  ["GET", "/v1/webhook_secret", ["webhooks"]],
  ["POST", "/v1/webhook_secret/rotate", ["webhooks"]],
  ["GET", "/v1/webhook_deliveries", ["webhooks"]],
  ["POST", "/v1/webhook_deliveries/redeliver", ["webhooks"]],
  ["GET", "/v1/webhook_deliveries/:id", ["webhooks"]],
  ["POST", "/v1/webhook_deliveries/:id/redeliver", ["webhooks"]],
  ["GET POST", "/v1/keys", ["keys", "admin"]],
  ["PATCH DELETE", "/v1/keys/:id", ["keys", "admin"]],
  ["POST", "/v1/keys/:id/rotate", ["keys", "admin"]],
  ["GET POST", "/v1/accounts", ["admin"]],
  ["GET PATCH", "/v1/accounts/:id", ["admin"]],
  ["GET", "/v1/accounts/:id/ledger", ["admin"]],
  ["GET", "/v1/accounts/:id/usage", ["admin"]],
  ["GET", "/v1/functions", ["admin"]],
  ["GET", "/v1/payment_events", ["admin"]],
  ["POST", "/v1/payment_events/:id/assign", ["admin"]],
  ["POST", "/v1/accounts/:id/grants", ["admin"]],
  ["POST", "/v1/accounts/:id/refunds", ["admin"]],
];

/** The scopes one of which a session must have for a request, none where any will do; undefined where no session counts. */
export function scopesFor(method: string, path: string): readonly SessionScope[] | undefined {
  const asked = method === "HEAD" ? "GET" : method;
  const route = routes.find(
    ([methods, pattern]) => methods.split(" ").includes(asked) && isAt(path, pattern),
  );
  return route?.[2];
}
