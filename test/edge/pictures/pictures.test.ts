import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Failure } from "#domain/failure.ts";
import type { CallerContext } from "#edge/caller-context.ts";
import type { Bindings } from "#edge/env.ts";
import { resolvePictures } from "#edge/pictures/pictures.ts";
import type { QuestionPicture } from "#edge/questions/question-picture.ts";
import { GrowingFile } from "#wire/body/growing-file.ts";
import { problemOf } from "#wire/error.ts";
import { FETCH_PATH, fetchOrderSchema } from "#wire/function/fetch.ts";
import { refusalResponse } from "#wire/function/refusal.ts";
import { isTicketFor, openTicket } from "#wire/function/ticket.ts";
import { verificationKeysText } from "#wire/function/ticket-keys.ts";
import { MAX_BODY_BYTES, MAX_IMAGE_BYTES } from "#wire/limits.ts";
import { fileOf } from "../../support/orders.ts";
import { testCaller } from "../caller.ts";
import { functionReplies, type SentRequest } from "../function-double.ts";
import { picture, uploaded } from "../routes/images.ts";

let caller: CallerContext<Bindings>;

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  caller = await testCaller({ requestId: "req_pictures" });
});
afterEach(() => vi.restoreAllMocks());

const url = (name: string) => ({ kind: "url", url: `https://pictures.test/${name}` }) as const;

/** What an order asks for. */
function orderOf({ body }: SentRequest) {
  return fetchOrderSchema.parse(JSON.parse(new TextDecoder().decode(body)));
}

/** A function that gives each address's last part as the file. */
function namesAsFiles() {
  return functionReplies((sent) => new Response(orderOf(sent).url.split("/").at(-1) ?? ""));
}

function texts(pictures: readonly QuestionPicture[]): string[] {
  return pictures.map((one) => new TextDecoder().decode(fileOf(one)));
}

async function refusalOf(
  reply: (sent: SentRequest) => Response | Promise<Response>,
): Promise<Failure> {
  functionReplies(reply);
  const files = await resolvePictures(caller, [
    { kind: "file", file: GrowingFile.of(picture(8)) },
    url("second.png"),
  ]);
  if (files.ok) throw new Error("it was let in");
  return files.refusal;
}

describe("a question's pictures are had", () => {
  test("in their order, whether sent, fetched or uploaded", async () => {
    const file = picture(70);
    const { id } = await uploaded(file);
    namesAsFiles();
    const files = await resolvePictures(caller, [
      url("a"),
      { kind: "upload", id },
      { kind: "file", file: GrowingFile.of(new TextEncoder().encode("b")) },
      url("c"),
    ]);
    if (!files.ok) throw new Error(files.refusal.kind);
    expect(files.value[1]).toEqual({
      ...{ kind: "stored", place: `acc_test/${id.slice("img_".length)}`, bytes: file.length },
      ...{ sha256: id.slice("img_".length), priced: { width: 70, height: 8, orientation: 1 } },
    });
    expect(texts(files.value.toSpliced(1, 1))).toEqual(["a", "b", "c"]);
  });

  test("without a word to anybody where all were sent", async () => {
    const { sent } = namesAsFiles();
    expect(
      await resolvePictures(caller, [{ kind: "file", file: GrowingFile.of(picture(8)) }]),
    ).toMatchObject({
      ok: true,
    });
    expect(sent).toEqual([]);
  });

  test("with a ticket for exactly this order of exactly this account", async () => {
    const { sent } = namesAsFiles();
    await resolvePictures(caller, [url("a")]);
    const [order] = sent;
    if (order === undefined) throw new Error("nothing was sent");
    expect(order.url).toBe(`${caller.settings.fetchUrl}${FETCH_PATH}`);
    expect(orderOf(order)).toEqual({
      purpose: "image",
      url: "https://pictures.test/a",
      timeout_ms: 10_000,
    });
    const keys = verificationKeysText.parse(env.TEST_TICKET_KEYS);
    const jwt = order.headers.get("authorization")?.slice("Bearer ".length) ?? "";
    const ticket = await openTicket(jwt, keys, Date.now());
    if (!ticket.ok) throw new Error(ticket.refusal.reason);
    expect(ticket.value).toMatchObject({ accountId: "acc_test", jobId: "req_pictures" });
    expect(await isTicketFor(ticket.value, order.body)).toBe(true);
  });

  test("four at a time at most", async () => {
    let open = 0;
    let most = 0;
    functionReplies(async () => {
      open += 1;
      most = Math.max(most, open);
      await new Promise((resolve) => setTimeout(resolve, 5));
      open -= 1;
      return new Response("file");
    });
    const files = await resolvePictures(caller, "abcdefgh".split("").map(url));
    expect([files.ok, most]).toEqual([true, 4]);
  });

  test("in no more time than is left until the deadline", async () => {
    const { sent } = namesAsFiles();
    await resolvePictures(caller, [url("a")], Date.now() + 3_000);
    const { timeout_ms } = orderOf(sent[0] as SentRequest);
    expect(timeout_ms).toBeGreaterThan(2_000);
    expect(timeout_ms).toBeLessThanOrEqual(3_000);
  });
});

describe("a picture that cannot be had refuses the question with its index", () => {
  test.each<[string, Failure]>([
    ["its host is too slow", { kind: "image_fetch_timeout", image: 0, seconds: 10 }],
    ["its host is private", { kind: "image_fetch_blocked", image: 0, reason: "private" }],
    ["its host answers 404", { kind: "image_fetch_failed", image: 0, reason: "404" }],
    ["it is too large", { kind: "image_file_too_large", image: 0, limitBytes: MAX_IMAGE_BYTES }],
  ])("%s", async (_, failure) => {
    const refused = { requestId: "req_1", instance: FETCH_PATH };
    expect(await refusalOf(() => refusalResponse(failure, refused))).toEqual({
      ...failure,
      image: 1,
    });
  });

  test.each(["img_1", "../acc_test/1", `img_${"0".repeat(64)}`])(
    "there is no upload %s",
    async (id) => {
      const files = await resolvePictures(caller, [{ kind: "upload", id }]);
      expect(files).toEqual({ ok: false, refusal: { kind: "image_not_found", image: 0, id } });
    },
  );

  test("its deadline has passed before anything was fetched", async () => {
    const { sent } = namesAsFiles();
    const files = await resolvePictures(caller, [url("a")], Date.now());
    expect(files).toMatchObject({ refusal: { kind: "image_fetch_timeout", image: 0 } });
    expect(sent).toEqual([]);
  });

  test("the function itself is too slow: our time-out is told as ours", async () => {
    functionReplies(({ signal }) => {
      const { promise, reject } = Promise.withResolvers<Response>();
      signal.addEventListener("abort", () => reject(signal.reason));
      return promise;
    });
    const files = await resolvePictures(caller, [url("a")], Date.now() + 20);
    expect(files).toMatchObject({ refusal: { kind: "image_fetch_timeout", image: 0 } });
  });

  test("another account's upload is none", async () => {
    const { id } = await uploaded(picture(71));
    const key = { ...caller.key, accountId: "acc_else" };
    const files = await resolvePictures({ ...caller, key }, [{ kind: "upload", id }]);
    expect(files).toMatchObject({ refusal: { kind: "image_not_found", image: 0, id } });
  });
});

describe("pictures withstand", () => {
  test("a function that is not there: no picture is blamed", async () => {
    const failure = await refusalOf(() => {
      throw new TypeError("connection refused");
    });
    expect(failure).toEqual({ kind: "function_unreachable" });
  });

  test("a proxy that gives up in the function's place: no picture is blamed", async () => {
    expect(await refusalOf(() => new Response("", { status: 504 }))).toEqual({
      kind: "function_unreachable",
    });
  });

  test("a function that refuses the ticket: internal, which blames nobody outside", async () => {
    const refused = { requestId: "req_1", instance: FETCH_PATH };
    const reply = () => refusalResponse({ kind: "ticket_refused", reason: "x" }, refused);
    expect(await refusalOf(reply)).toEqual({ kind: "internal" });
  });

  test("a function that breaks off in the middle of a file", async () => {
    const reply = () =>
      new Response(
        new ReadableStream({
          type: "bytes",
          start(controller) {
            controller.enqueue(picture(8));
            controller.error(new Error("cut"));
          },
        }),
      );
    expect(await refusalOf(reply)).toEqual({ kind: "function_reply_invalid" });
  });

  test("a function that sends without end", async () => {
    const endless = () =>
      new Response(
        new ReadableStream({
          type: "bytes",
          pull: (controller) => controller.enqueue(new Uint8Array(1024 * 1024)),
        }),
      );
    expect(await refusalOf(endless)).toEqual({
      kind: "image_file_too_large",
      image: 1,
      limitBytes: MAX_IMAGE_BYTES,
    });
  });

  test("files that are small alone and too large together", async () => {
    const bytes = new Uint8Array(MAX_BODY_BYTES / 4);
    functionReplies(() => new Response(bytes));
    const four = [
      url("a"),
      url("b"),
      { kind: "file", file: GrowingFile.of(bytes) } as const,
      url("c"),
    ];
    expect(await resolvePictures(caller, four)).toMatchObject({ ok: true });
    const files = await resolvePictures(caller, [
      ...four,
      { kind: "file", file: GrowingFile.of(picture(8)) },
    ]);
    expect(files).toMatchObject({
      refusal: { kind: "invalid_request", problems: [{ pointer: "/images" }] },
    });
  });

  test("a caller who leaves: the function is let go", async () => {
    const leaving = new AbortController();
    let isLetGo = false;
    functionReplies(async ({ signal }) => {
      signal.addEventListener("abort", () => {
        isLetGo = true;
      });
      leaving.abort(new Error("gone"));
      signal.throwIfAborted();
      return new Response("");
    });
    const asked = resolvePictures({ ...caller, signal: leaving.signal }, [url("a")]);
    await expect(asked).rejects.toThrow("gone");
    expect(isLetGo).toBe(true);
  });

  test("an address that makes a hundred problems: it is told in one sentence of bounded length", async () => {
    const reason = "x".repeat(5_000);
    const refused = { requestId: "req_1", instance: FETCH_PATH };
    const failure = await refusalOf(() =>
      refusalResponse({ kind: "image_fetch_failed", image: 0, reason }, refused),
    );
    expect(problemOf(failure, refused).detail.length).toBeLessThan(1_200);
  });
});

describe("an upload that storage does not give", () => {
  const upload = { kind: "upload", id: `img_${"0".repeat(64)}` } as const;
  const never = new Promise<never>(() => undefined);

  test.each<[string, () => void]>([
    [
      "at all",
      () => {
        vi.spyOn(env.IMAGES, "head").mockReturnValue(never);
      },
    ],
    [
      "to its end",
      () => {
        const body = new ReadableStream({
          start: (controller) => controller.enqueue(new Uint8Array(8)),
        });
        const found = { body, key: `acc_test/${"0".repeat(64)}`, size: 8 };
        // As it was written before its orientation was: only the file itself says it.
        const customMetadata = { width: "1", height: "1", created_at: "0", expires_at: "9e15" };
        vi.spyOn(env.IMAGES, "head").mockResolvedValue({ ...found, customMetadata } as never);
        vi.spyOn(env.IMAGES, "get").mockResolvedValue({ ...found, customMetadata } as never);
      },
    ],
  ])("%s is waited for until the deadline", async (_, hang) => {
    hang();
    const files = await resolvePictures(caller, [upload], Date.now() + 100);
    expect(files).toMatchObject({ refusal: { kind: "image_fetch_timeout", image: 0 } });
  });

  test("is given up when its caller leaves", async () => {
    vi.spyOn(env.IMAGES, "head").mockReturnValue(never);
    const leaving = new AbortController();
    const files = resolvePictures({ ...caller, signal: leaving.signal }, [upload]);
    leaving.abort(new Error("the caller has left"));
    await expect(files).rejects.toThrow("the caller has left");
  });

  test("is given up when another picture of the question cannot be had", async () => {
    vi.spyOn(env.IMAGES, "head").mockReturnValue(never);
    functionReplies(() => new Response("", { status: 503 }));
    const files = await resolvePictures(caller, [upload, url("b")]);
    expect(files).toMatchObject({ refusal: { kind: "function_unreachable" } });
  });
});
