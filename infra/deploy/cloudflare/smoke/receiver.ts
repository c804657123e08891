import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { readWebhook } from "#client/webhooks.ts";

/** Takes webhooks on this machine's loopback. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  /** Resolves with the kind of the first notice whose signature is right; rejects where one is wrong. */
  readonly first: (secret: string) => Promise<string>;
}

/** Listens on any free port until it is disposed of. */
export async function openReceiver(): Promise<Receiver> {
  const arrived = Promise.withResolvers<Request>();
  const server = createServer(async (message, reply) => {
    const chunks: Buffer[] = [];
    for await (const chunk of message) chunks.push(chunk as Buffer);
    const headers = Object.entries(message.headersDistinct).flatMap(([name, values = []]) =>
      values.map((value): [string, string] => [name, value]),
    );
    arrived.resolve(
      new Request("http://receiver/", { method: "POST", headers, body: Buffer.concat(chunks) }),
    );
    reply.writeHead(204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    first: async (secret) => (await readWebhook(await arrived.promise, secret)).type,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
