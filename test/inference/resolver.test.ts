import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { afterEach, describe, expect, test } from "vitest";
import { findDestination } from "#inference/fetch/destination.ts";
import { isOwnFault, reasonOf } from "#inference/fetch/faults.ts";
import { dnsResolve } from "#inference/fetch/resolver.ts";

const forever = new AbortController().signal;
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

/** A name server on loopback that knows one address of every name but those that begin with "mute", "wrong" or "none". */
async function nameServer(): Promise<string> {
  const socket = createSocket("udp4");
  sockets.push(socket);
  socket.on("message", (query, { port, address }) => {
    const end = query.indexOf(0, 12) + 5;
    const type = query.readUInt16BE(end - 4);
    const name = query.toString("latin1", 13, 13 + query.readUInt8(12));
    if (name === "mute") return;
    const found = { ok: [127, 0, 0, 7], far: [93, 184, 216, 34] }[name] ?? [];
    const hasAnswer = type === 1 && found.length > 0;
    const code = name === "wrong" ? 2 : name === "none" ? 3 : 0;
    const head = Buffer.from(query.subarray(0, end));
    head.writeUInt16BE(0x8180 | code, 2);
    head.writeUInt16BE(hasAnswer ? 1 : 0, 6);
    head.fill(0, 8, 12);
    const answer = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...found]);
    socket.send(hasAnswer ? Buffer.concat([head, answer]) : head, port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return `127.0.0.1:${socket.address().port}`;
}

/** Why a name is not found. */
async function reasonFor(host: string, servers: readonly string[]): Promise<unknown> {
  return await dnsResolve(servers)(host, forever).then(
    (found) => found,
    (cause: unknown) => [reasonOf(cause), isOwnFault(cause)],
  );
}

describe("a name", () => {
  test("is looked up as the name server has it, and what it leads to is checked", async () => {
    const reach = {
      resolve: dnsResolve([await nameServer()]),
      allowsPrivate: false,
      forbiddenPorts: [],
    };
    expect(await findDestination("https://far.test/", reach, forever)).toMatchObject({
      value: { addresses: ["93.184.216.34"] },
    });
    expect(await findDestination("https://ok.test/", reach, forever)).toMatchObject({
      refusal: "its host is not on the public internet",
    });
  });

  test.each(["none.test", "wrong.test", "empty.test"])(
    "that is not to be had is the host's fault: %s",
    async (host) => {
      expect(await reasonFor(host, [await nameServer()])).toEqual(["its host is not known", false]);
    },
  );

  test("that could not be asked for, because no name server listens here, is ours", async () => {
    const gone = await nameServer();
    sockets.pop()?.close();
    expect(await reasonFor("ok.test", [gone])).toEqual([expect.any(String), true]);
  });

  test("whose servers say nothing holds up no other name, and is dropped with the signal", async () => {
    const resolve = dnsResolve([await nameServer()]);
    const caller = new AbortController();
    const mute = Array.from({ length: 32 }, () => resolve("mute.test", caller.signal));
    expect(await resolve("ok.test", forever)).toEqual(["127.0.0.7"]);
    caller.abort(new Error("the caller left"));
    for (const fate of await Promise.allSettled(mute))
      expect(fate).toMatchObject({ status: "rejected", reason: caller.signal.reason });
  });
});
