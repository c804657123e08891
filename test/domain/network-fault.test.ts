import { describe, expect, test } from "vitest";
import { networkFault } from "#domain/network-fault.ts";

const coded = (code: string, message = code): Error => Object.assign(new Error(message), { code });
const failed = (cause: unknown): TypeError => new TypeError("fetch failed", { cause });

describe("a network fault", () => {
  test.each<[string, Error, string, boolean]>([
    ["a refused connection", failed(coded("ECONNREFUSED")), "nothing listens there", false],
    [
      "several refused attempts",
      failed(new AggregateError([coded("ECONNREFUSED"), coded("ECONNREFUSED")])),
      "nothing listens there",
      false,
    ],
    ["a reset", failed(coded("ECONNRESET")), "the connection broke off", false],
    [
      "a socket that the other side closed",
      failed(coded("UND_ERR_SOCKET")),
      "the connection broke off",
      false,
    ],
    ["silence", failed(coded("UND_ERR_HEADERS_TIMEOUT")), "it did not answer in time", false],
    ["an unknown name", failed(coded("ENOTFOUND")), "there is no host of that name", true],
    [
      "a forbidden port",
      failed(new Error("bad port")),
      "that port is one that no HTTP client connects to",
      true,
    ],
    [
      "another scheme",
      failed(new Error("unknown scheme")),
      "that is no address; write it with http:// or https://",
      true,
    ],
    [
      "no address",
      coded("ERR_INVALID_URL"),
      "that is no address; write it with http:// or https://",
      true,
    ],
    [
      "an old certificate",
      failed(coded("CERT_HAS_EXPIRED")),
      "its certificate is not to be trusted (CERT_HAS_EXPIRED)",
      true,
    ],
    [
      "a certificate of its own",
      failed(coded("DEPTH_ZERO_SELF_SIGNED_CERT")),
      "its certificate is not to be trusted (DEPTH_ZERO_SELF_SIGNED_CERT)",
      true,
    ],
    [
      "a certificate of another host",
      failed(coded("ERR_TLS_CERT_ALTNAME_INVALID")),
      "its certificate is not to be trusted (ERR_TLS_CERT_ALTNAME_INVALID)",
      true,
    ],
    [
      "another protocol",
      failed(coded("HPE_INVALID_CONSTANT")),
      "what answers there does not speak HTTP",
      true,
    ],
    ["what nobody has met before", failed(new Error("gremlins")), "gremlins", false],
    ["no reason at all", new TypeError("fetch failed"), "the request failed", false],
  ])("of %s is told in words, and whether it lasts", (_, error, says, isLasting) => {
    expect(networkFault(error)).toEqual({ says, isLasting });
  });

  test("is looked for in an error that is its own cause without going round for ever", () => {
    const error = new Error("fetch failed");
    error.cause = error;
    expect(networkFault(error).says).toBe("the request failed");
  });
});
