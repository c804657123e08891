import { createServer, type Server } from "node:net";

/** The one address on which the local system listens. */
export const LOOPBACK = "127.0.0.1";

/** Finds loopback ports that nobody listens on, all different. Another program may take one before we do; then the start fails and says so. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)));
  const ports = servers.map(portOf);
  await Promise.all(servers.map(close));
  return ports;
}

/** As `freePorts`, for one. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1);
  return port;
}

/** Throws an Error that says what to do if `port` cannot be listened on, whether its holder answers or is mute. */
export async function assertFree(port: number): Promise<void> {
  try {
    await close(await listen(port));
  } catch (cause) {
    const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
    const reason = isTaken ? "is taken by another program" : "cannot be listened on";
    throw new Error(`port ${port} ${reason}: choose another with --port (0 takes any free one)`, {
      cause,
    });
  }
}

function listen(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, LOOPBACK, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the system named no port");
  return address.port;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
