import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { CommandIo } from "#cli/command.ts";

/** A world for a command under test, which remembers what was written to it. */
export interface RecordedIo extends CommandIo {
  readonly written: { stdout: string; stderr: string };
}

export function recordedIo(overrides: Partial<CommandIo> = {}): RecordedIo {
  const written = { stdout: "", stderr: "" };
  return {
    stdout: {
      write: (text) => {
        written.stdout += text;
      },
    },
    stderr: {
      write: (text) => {
        written.stderr += text;
      },
    },
    // A home where nothing is: what npm start left on this machine must not matter.
    env: { UNMASK_HOME: "/nonexistent" },
    cwd: process.cwd(),
    isTTY: false,
    signal: new AbortController().signal,
    ...overrides,
    written,
  };
}

/** An API on loopback that gives the same reply to everything, and remembers what it was asked. */
export interface ApiDouble extends AsyncDisposable {
  readonly url: string;
  readonly requests: Request[];
}

export async function apiDouble(reply: () => Response): Promise<ApiDouble> {
  const requests: Request[] = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    requests.push(
      new Request(`http://api.test${incoming.url}`, {
        method: incoming.method ?? "GET",
        headers: Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      }),
    );
    const response = reply();
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    outgoing.end(Buffer.from(await response.arrayBuffer()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
