/** Secrets that every deployment has, made where they are missing. `STRIPE` is the operator's own: `npm run wrangler -- secret put`. */
export const SECRETS = ["TICKET_KEY", "ADMIN_KEY"] as const;
