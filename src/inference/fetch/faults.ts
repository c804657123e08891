import { PeerError } from "./exchange.ts";

/** Says what went wrong without anything that the host sent, and without addresses of ours. */
export function reasonOf(cause: unknown): string {
  if (cause instanceof PeerError) return cause.message;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  switch (code) {
    case "ENOTFOUND":
    case "ENODATA":
    case "ESERVFAIL":
    case "ETIMEOUT":
    case "EAI_AGAIN":
      return "its host is not known";
    case "ECONNREFUSED":
      return "its host refuses connections";
    case "ECONNRESET":
    case "EPIPE":
      return "its host broke the connection off";
    case "HPE_HEADER_OVERFLOW":
      return "its host's headers are too long";
    default:
      if (code.startsWith("HPE_")) return "its host does not speak HTTP";
      return /^(ERR_TLS|CERT_|DEPTH_|SELF_|UNABLE_)/.test(code)
        ? "its host's certificate is not valid"
        : "its host could not be reached";
  }
}

/** What says that this machine, not the host, is short of something. */
const OWN_FAULTS: readonly string[] = [
  "EMFILE",
  "ENFILE",
  "ENOBUFS",
  "ENOMEM",
  "EADDRNOTAVAIL",
  "ENETDOWN",
];

/** Whether an exchange failed because of this machine: the host was never asked, and is not to blame. */
export function isOwnFault(cause: unknown): boolean {
  const causes = cause instanceof AggregateError ? cause.errors : [cause];
  return causes.some((one) => {
    if (!(one instanceof Error) || !("code" in one)) return false;
    // Nobody listens where names are looked up.
    if ("syscall" in one && /^query/.test(String(one.syscall))) return one.code === "ECONNREFUSED";
    return OWN_FAULTS.includes(String(one.code));
  });
}
