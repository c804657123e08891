/**
 * What may run on a page of the site: its own files and nothing else. No inline script or style, no other origin, no frame; what
 * it sends goes to this very address. Pictures are also those that a person has just chosen (`blob:`).
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  // Two addresses are trusted to be scripts': those of the workers (src/playground/parts/script-address.ts).
  "trusted-types unmask-worker",
  "worker-src 'self'",
].join("; ");

/**
 * What the worker that answers without sending may do: a worker is under its own file's policy, not its page's. It compiles wasm
 * (`wasm-unsafe-eval`, which lets no text become a script), the engine's and ours; no page may. It fetches from this very address alone.
 */
const workerPolicy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "connect-src 'self'",
].join("; ");

/** The file `_headers`, which the platform reads beside the files themselves; wrangler's local one does too. */
export const HEADERS_FILE: string = `/*
  Content-Security-Policy: ${policy}
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
  Permissions-Policy: camera=(self), microphone=(), geolocation=(), payment=(), usb=()
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Resource-Policy: same-origin

/offline.js
  Cache-Control: no-cache

/assets/*
  Cache-Control: public, max-age=31536000, immutable

/private/*
  ! Content-Security-Policy
  Content-Security-Policy: ${workerPolicy}
  Cache-Control: public, max-age=31536000, immutable
`;
