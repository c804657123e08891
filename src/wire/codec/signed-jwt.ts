import { errors, type JWTPayload, jwtVerify } from "jose";
import { ok, type Result, refuse } from "#domain/result.ts";

/** A public Ed25519 key (JWK) with its name. */
export interface VerificationKey {
  readonly kid: string;
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  readonly x: string;
}

/** What a token must say to be taken. */
export interface JwtTerms {
  readonly issuer: string;
  readonly audience: string;
  /** Seconds: older ones are refused, and ones of the future. */
  readonly maxAgeSeconds: number;
  /** Seconds that the clocks of both sides may differ. */
  readonly toleranceSeconds: number;
  readonly requiredClaims: readonly string[];
  /** Characters. Threat: parsing and checking signatures of megabytes. */
  readonly maxLength: number;
}

/** The claims of a token that is what it should be, and which key signed it. */
export interface VerifiedJwt {
  readonly claims: JWTPayload;
  readonly kid: string;
}

/** Checks signature, issuer, audience and age of a JWT (RFC 7519) that is signed with Ed25519 (RFC 8037). Refuses with why, for a log. */
export async function verifyJwt(
  jwt: string,
  keys: readonly VerificationKey[],
  now: number,
  terms: JwtTerms,
): Promise<Result<VerifiedJwt, string>> {
  if (jwt.length > terms.maxLength) return refuse("too long");
  try {
    const { payload, protectedHeader } = await jwtVerify(
      jwt,
      (header) => {
        const key = keys.find(({ kid }) => kid === header.kid);
        if (key === undefined) throw new errors.JWKSNoMatchingKey();
        // jose complains about members that contradict the use.
        const { kty, crv, x } = key;
        return { kty, crv, x };
      },
      {
        algorithms: ["EdDSA"],
        issuer: terms.issuer,
        audience: terms.audience,
        currentDate: new Date(now),
        clockTolerance: terms.toleranceSeconds,
        // Also refuses tokens from the future.
        maxTokenAge: terms.maxAgeSeconds,
        requiredClaims: [...terms.requiredClaims],
      },
    );
    return ok({ claims: payload, kid: protectedHeader.kid ?? "" });
  } catch (cause) {
    // jose throws for everything that is wrong with a token; anything else is a broken key or a bug.
    if (cause instanceof errors.JOSEError) return refuse(cause.code);
    throw new Error("verifying a token failed for a reason that is not the token", { cause });
  }
}
