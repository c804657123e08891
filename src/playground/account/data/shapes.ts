/** What opens a session: an account's key, a one-time code, or the administrator's key. */
export type SignInBy =
  | { readonly key: string }
  | { readonly code: string }
  | { readonly admin_key: string };
