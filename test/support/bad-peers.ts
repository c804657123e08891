import { createServer, type RequestListener } from "node:http";
import { createServer as createSocketServer, type Server, type Socket } from "node:net";
import { listen, type TestServer } from "./test-server.ts";

/** Something at an address that is not the API, or not whole. */
export interface BadPeer extends AsyncDisposable {
  readonly url: string;
}

const json = (text: string): RequestListener => {
  return (_, response) => response.setHeader("content-type", "application/json").end(text);
};

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n";

/** What can be met at an address, by name. Each is started when it is asked for. */
export const badPeers = {
  "a port that no client connects to": async () => nowhere("http://127.0.0.1:1"),
  "a port where nothing listens": async () => {
    const server = await listen(createServer());
    await server.close();
    return nowhere(server.origin);
  },
  "a host that does not exist": async () => nowhere("http://no-such-host.invalid"),
  "a connection that is reset": () => socket((peer) => peer.resetAndDestroy()),
  "a connection that is closed": () => socket((peer) => peer.end()),
  "a reply that is reset": () =>
    socket((peer) =>
      peer.write(`${HEAD}{"data":[`, () => setTimeout(() => peer.resetAndDestroy(), 5)),
    ),
  "a reply that ends early": () => socket((peer) => peer.end(`${HEAD}{"data":[`)),
  "a fault that ends early": () => socket((peer) => peer.end(HEAD.replace("200 OK", "500 No"))),
  "another protocol": () => socket((peer) => peer.end("SSH-2.0-OpenSSH_9.9\r\n")),
  "plain text where TLS is expected": async () => {
    const { url, ...peer } = await web(json("{}"));
    return { ...peer, url: url.replace("http:", "https:") };
  },
  "a page for people": () =>
    web((_, response) => response.setHeader("content-type", "text/html").end("<!doctype html>")),
  "JSON of something else": () => web(json('{"hello":1}')),
  "JSON that is null": () => web(json("null")),
  "JSON that is a list": () => web(json("[]")),
  "an empty reply": () => web((_, response) => response.end()),
  "a redirect to itself": () =>
    web(({ url }, response) => response.writeHead(302, { location: url }).end()),
} satisfies Readonly<Record<string, () => Promise<BadPeer>>>;

/** Takes a connection and says nothing. */
export function mutePeer(): Promise<BadPeer> {
  return socket(() => undefined);
}

function nowhere(url: string): BadPeer {
  return { url, [Symbol.asyncDispose]: async () => undefined };
}

async function web(listener: RequestListener): Promise<BadPeer> {
  return disposable(await listen(createServer(listener)));
}

/** A server below HTTP: `answer` gets the connection once a request has begun. */
async function socket(answer: (peer: Socket) => unknown): Promise<BadPeer> {
  const peers = new Set<Socket>();
  const server = createSocketServer((peer) => {
    peers.add(peer);
    peer.on("error", () => undefined); // resets are what this is for
    peer.once("data", () => answer(peer));
  });
  const { origin, closed } = await listenBelow(server);
  return {
    url: origin,
    [Symbol.asyncDispose]: async () => {
      for (const peer of peers) peer.destroy();
      server.close();
      await closed;
    },
  };
}

async function listenBelow(
  server: Server,
): Promise<{ readonly origin: string; readonly closed: Promise<void> }> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  const closed = new Promise<void>((resolve) => server.once("close", resolve));
  return { origin: `http://127.0.0.1:${port}`, closed };
}

function disposable({ origin, close }: TestServer): BadPeer {
  return { url: origin, [Symbol.asyncDispose]: close };
}
