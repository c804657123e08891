import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { deliver } from "#inference/fetch/deliver.ts";
import type { Reach } from "#inference/fetch/destination.ts";
import { fetchImage } from "#inference/fetch/fetch-image.ts";

// What hosts that callers name do on a raw socket, and that every exchange with one settles: at the latest at its time-out,
// with a result that says what happened, and with no connection left behind.

const forever = new AbortController().signal;
const reach: Reach = {
  resolve: async () => ["127.0.0.1"],
  allowsPrivate: true,
  forbiddenPorts: [],
};

/** Where a peer neither ends nor breaks off, our own time-out ends the exchange. */
const TIMEOUT_MS = 250;

/** What a peer does with a connection, once the head of our request has come, or at once. */
interface Misbehaviour {
  readonly says: string;
  readonly act: (socket: Socket) => void;
  /** Acts before the request has come. */
  readonly isEager?: boolean;
  readonly isTls?: boolean;
  /** How the fetching of a picture from it ends. */
  readonly picture: object;
  /** How a delivery to it ends. */
  readonly webhook: object;
}

const timedOut = {
  picture: { kind: "image_fetch_timeout", seconds: TIMEOUT_MS / 1000 },
  webhook: { outcome: "failed", reason: "timeout" },
};
function broken(reason: string) {
  return {
    picture: { kind: "image_fetch_failed", reason },
    webhook: { outcome: "failed", reason: "unreachable", detail: reason },
  };
}
const cut = "its host broke the connection off";
const noHttp = "its host does not speak HTTP";
/** To a webhook the head alone is an answer; its body is not read. */
const taken = { outcome: "response", status: 200 };

/** Writes again and again until the other side has gone. */
function pump(socket: Socket, chunk: () => string): void {
  const timer = setInterval(() => socket.write(chunk()), 2);
  socket.on("close", () => clearInterval(timer));
}

const OK = "HTTP/1.1 200 OK\r\n";

const misbehaviours: readonly Misbehaviour[] = [
  {
    says: "says nothing",
    act: () => undefined,
    ...timedOut,
  },
  {
    says: "says nothing to a TLS greeting",
    act: () => undefined,
    isEager: true,
    isTls: true,
    ...timedOut,
  },
  {
    says: "says HTTP to a TLS greeting",
    act: (socket) => socket.write(`${OK}\r\n`),
    isEager: true,
    isTls: true,
    picture: { kind: "image_fetch_failed" },
    webhook: { outcome: "failed", reason: "unreachable" },
  },
  {
    says: "switches protocols unasked",
    act: (socket) =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"),
    ...broken("its host wants to speak another protocol"),
  },
  {
    says: "switches protocols without saying to which",
    act: (socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"),
    ...broken("its host wants to speak another protocol"),
  },
  {
    says: "answers 200 with an upgrade",
    act: (socket) =>
      socket.write(`${OK}connection: upgrade\r\nupgrade: x\r\ncontent-length: 1\r\n\r\na`),
    picture: { ok: true },
    webhook: taken,
  },
  {
    says: "closes at once",
    act: (socket) => socket.end(),
    isEager: true,
    ...broken(cut),
  },
  {
    says: "closes its half and listens on",
    act: (socket) => socket.end(),
    ...broken(cut),
  },
  {
    says: "resets the connection",
    act: (socket) => socket.resetAndDestroy(),
    ...broken(cut),
  },
  {
    says: "resets in the middle of its head",
    act: (socket) => socket.write(`${OK}content-len`, () => socket.resetAndDestroy()),
    ...broken(cut),
  },
  {
    says: "closes in the middle of its head",
    act: (socket) => socket.end(`${OK}content-len`),
    ...broken(cut),
  },
  {
    says: "closes in the middle of its body",
    act: (socket) => socket.end(`${OK}content-length: 100\r\n\r\nabc`),
    picture: { kind: "image_fetch_failed", reason: cut },
    webhook: taken,
  },
  {
    says: "resets in the middle of its body",
    act: (socket) =>
      socket.write(`${OK}content-length: 100\r\n\r\nabc`, () =>
        setTimeout(() => socket.resetAndDestroy(), 20),
      ),
    picture: { kind: "image_fetch_failed", reason: cut },
    webhook: taken,
  },
  {
    says: "stops in the middle of its body",
    act: (socket) => socket.write(`${OK}content-length: 100\r\n\r\nabc`),
    picture: timedOut.picture,
    webhook: taken,
  },
  {
    says: "sends more than it announced",
    act: (socket) => socket.write(`${OK}content-length: 1\r\n\r\nabcdefgh`),
    picture: { ok: true },
    webhook: taken,
  },
  {
    says: "announces two lengths",
    act: (socket) => socket.write(`${OK}content-length: 1\r\ncontent-length: 2\r\n\r\nab`),
    ...broken(noHttp),
  },
  {
    says: "announces a length that is no number",
    act: (socket) => socket.write(`${OK}content-length: -1\r\n\r\nab`),
    ...broken(noHttp),
  },
  {
    says: "announces a length and chunks",
    act: (socket) =>
      socket.write(`${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n`),
    ...broken(noHttp),
  },
  {
    says: "sends chunks that are none",
    act: (socket) => socket.write(`${OK}transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n`),
    // The head may be handed on before its body is read.
    picture: { kind: "image_fetch_failed" },
    webhook: { outcome: expect.stringMatching(/^(response|failed)$/) },
  },
  {
    says: "sends a second chunk that is none",
    act: (socket) => {
      socket.write(`${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n`);
      setTimeout(() => socket.write("zz\r\n"), 20);
    },
    picture: { kind: "image_fetch_failed" },
    webhook: taken,
  },
  {
    says: "ends its chunks with trailers without end",
    act: (socket) => {
      socket.write(`${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n`);
      pump(socket, () => "x-trailer: a\r\n");
    },
    picture: timedOut.picture,
    webhook: taken,
  },
  {
    says: "never ends its last chunk",
    act: (socket) => socket.write(`${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n`),
    picture: timedOut.picture,
    webhook: taken,
  },
  {
    says: "puts us off with 100 Continue for ever",
    act: (socket) => pump(socket, () => "HTTP/1.1 100 Continue\r\n\r\n"),
    ...broken("its host only ever announces an answer"),
  },
  {
    says: "floods with 103 Early Hints",
    act: (socket) => socket.write("HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n".repeat(20_000)),
    ...broken("its host only ever announces an answer"),
  },
  {
    says: "answers after an announcement or two",
    act: (socket) =>
      socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${OK}content-length: 1\r\n\r\na`),
    picture: { ok: true },
    webhook: taken,
  },
  {
    says: "sends headers without end, fast",
    act: (socket) => socket.write(`${OK}${"x: aaaaaaaa\r\n".repeat(100_000)}`),
    ...broken("its host's headers are too long"),
  },
  {
    says: "sends headers without end, slowly",
    act: (socket) => {
      socket.write(OK);
      pump(socket, () => "x: a\r\n");
    },
    ...timedOut,
  },
  {
    says: "drips its head byte by byte",
    act: (socket) => {
      const bytes = [...`${OK}content-length: 1\r\n${"x-slow: a\r\n".repeat(100)}\r\na`];
      pump(socket, () => bytes.shift() ?? "a");
    },
    ...timedOut,
  },
  {
    says: "drips its body byte by byte",
    act: (socket) => {
      socket.write(`${OK}\r\n`);
      pump(socket, () => "a");
    },
    picture: timedOut.picture,
    webhook: taken,
  },
  {
    says: "resets in the middle of a body that ends with the connection",
    act: (socket) =>
      socket.write(`${OK}\r\nabc`, () => setTimeout(() => socket.resetAndDestroy(), 20)),
    picture: { kind: "image_fetch_failed", reason: cut },
    webhook: taken,
  },
  {
    says: "answers before it was asked",
    act: (socket) => socket.write(`${OK}content-length: 1\r\n\r\na`),
    isEager: true,
    picture: { ok: true },
    webhook: taken,
  },
  {
    says: "answers, and does not close a connection that is to be closed",
    act: (socket) =>
      socket.write(
        `${OK}connection: keep-alive\r\nkeep-alive: timeout=600\r\ncontent-length: 1\r\n\r\na`,
      ),
    picture: { ok: true },
    webhook: taken,
  },
  {
    says: "answers twice",
    act: (socket) => {
      const reply = `${OK}connection: keep-alive\r\ncontent-length: 1\r\n\r\na`;
      socket.write(reply + reply);
    },
    picture: { ok: true },
    webhook: taken,
  },
  {
    says: "answers as HTTP/0.9 did, without a head",
    act: (socket) => socket.end("<html>picture</html>"),
    ...broken(noHttp),
  },
  {
    says: "answers as a version of HTTP that there never was",
    act: (socket) => socket.end("HTTP/7.3 200 OK\r\n\r\n"),
    ...broken(noHttp),
  },
  {
    says: "greets as an SMTP server does",
    act: (socket) => socket.write("220 mail.example.com ESMTP\r\n"),
    isEager: true,
    ...broken(noHttp),
  },
  {
    says: "asks us to connect to somewhere",
    act: (socket) => socket.write("CONNECT 10.0.0.1:80 HTTP/1.1\r\n\r\n"),
    ...broken(noHttp),
  },
  {
    says: "has a status beyond all numbers",
    act: (socket) => socket.write("HTTP/1.1 9999 Huge\r\n\r\n"),
    picture: { kind: "image_fetch_failed" },
    webhook: { outcome: "failed", reason: "unreachable" },
  },
  {
    says: "has a status that is none",
    act: (socket) => socket.write("HTTP/1.1 099 Small\r\ncontent-length: 0\r\n\r\n"),
    ...broken("its host answered with a status that is none"),
  },
  {
    says: "has a status that nobody knows",
    act: (socket) => socket.write("HTTP/1.1 999 Denied\r\ncontent-length: 0\r\n\r\n"),
    ...broken("its host answered with a status that is none"),
  },
];

interface Peer extends Disposable {
  readonly port: number;
  /** Its connections that we have not left. */
  readonly connected: ReadonlySet<Socket>;
}

/** A host that treats everybody so. */
async function peer({ act, isEager = false }: Misbehaviour): Promise<Peer> {
  const connected = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connected.add(socket);
    socket.on("error", () => undefined);
    const left = () => {
      connected.delete(socket);
      socket.destroy();
    };
    socket.once("close", left).once("end", left);
    if (isEager) {
      act(socket);
      socket.resume();
    } else {
      socket.once("data", () => act(socket)).resume();
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    connected,
    [Symbol.dispose]() {
      for (const socket of connected) socket.destroy();
      server.close();
    },
  };
}

// At once, since most of what is done to a peer is to wait for it.
describe.each(misbehaviours)("a peer that $says", (misbehaviour) => {
  const scheme = misbehaviour.isTls === true ? "https" : "http";

  test.concurrent("holds up no picture", async () => {
    using host = await peer(misbehaviour);
    const { port, connected } = host;
    const url = `${scheme}://peer.test:${port}/`;
    const order = { purpose: "image", url, timeout_ms: TIMEOUT_MS } as const;
    const fetched = await fetchImage(order, reach, forever);
    expect(fetched.ok ? { ok: true } : fetched.refusal).toMatchObject(misbehaviour.picture);
    await vi.waitFor(() => expect(connected.size).toBe(0));
  });

  test.concurrent("holds up no webhook", async () => {
    using host = await peer(misbehaviour);
    const { port, connected } = host;
    const url = `${scheme}://peer.test:${port}/`;
    const [headers, body] = [{ "webhook-id": "evt_1" }, JSON.stringify("a".repeat(20_000))];
    const order = { purpose: "webhook", url, headers, body, timeout_ms: TIMEOUT_MS } as const;
    expect(await deliver(order, reach, forever, Date.now)).toMatchObject(misbehaviour.webhook);
    await vi.waitFor(() => expect(connected.size).toBe(0));
  });

  test.concurrent("is left as soon as the caller leaves", async () => {
    using host = await peer(misbehaviour);
    const { port, connected } = host;
    const url = `${scheme}://peer.test:${port}/`;
    const caller = new AbortController();
    const order = { purpose: "image", url, timeout_ms: 60_000 } as const;
    const fetching = fetchImage(order, reach, caller.signal).catch((cause: unknown) => cause);
    setTimeout(() => caller.abort(new Error("the caller left")), 50);
    await fetching;
    await vi.waitFor(() => expect(connected.size).toBe(0));
  });
});
