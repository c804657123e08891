import { parentPort, workerData } from "node:worker_threads";
import type { Runtime, Session } from "#engine/runtime/runtime.ts";
import type { ThreadReply, ThreadRequest, ThreadSetup } from "./off-thread.ts";
import { loadRuntime } from "./ort.ts";

// Entry file of the thread that `off-thread.ts` starts: sessions live here, and the two talk in messages.

const { provider, threads, cuda }: ThreadSetup = workerData;
const loading = loadRuntime(provider, threads, cuda);
// Whoever sends the first request is told.
loading.catch(() => undefined);
const sessions = new Map<number, Session>();
let sessionCount = 0;

/** One request after another: a run may be given what the run before it leaves, and is asked for before that is there. */
let last: Promise<void> = Promise.resolve();
parentPort?.on("message", (request: ThreadRequest) => {
  last = last.then(() => serve(request));
});

async function serve(request: ThreadRequest): Promise<void> {
  try {
    const result = await answer(request);
    const transfer = Object.values(result.outputs ?? {}).map(({ data }) => data.buffer);
    for (const { buffer } of result.stage ?? []) transfer.push(buffer);
    reply({ id: request.id, ...result }, transfer as ArrayBuffer[]);
  } catch (error) {
    reply({ id: request.id, error }, []);
  }
}

async function answer(request: ThreadRequest): Promise<Omit<ThreadReply, "id">> {
  switch (request.kind) {
    case "load":
      return loadReply(await loading);
    case "create": {
      const { name, model, stage, staying } = request;
      const session = await (await loading).createSession(name, model, stage, { staying });
      sessionCount += 1;
      sessions.set(sessionCount, session);
      if (request.isAwaited) return { session: sessionCount, stage };
      // The runtime has its own copy. Not waiting for the garbage collector keeps two stages' worth of memory free.
      for (const { buffer } of stage) buffer.transfer(0);
      return { session: sessionCount };
    }
    case "run": {
      const { session, inputs, outputs, keep } = request;
      return { outputs: await sessionOf(session).run(inputs, outputs, keep) };
    }
    case "release":
      await sessionOf(request.session).release();
      sessions.delete(request.session);
      return {};
    case "clear":
      await (await loading).clear(request.shelf);
      return {};
    case "close":
      await (await loading).close();
      return {};
    default:
      throw new Error(`no such request: ${request satisfies never}`);
  }
}

function loadReply({ keepsAcrossSessions, arithmetic }: Runtime): Omit<ThreadReply, "id"> {
  return { keepsAcrossSessions, ...(arithmetic === undefined ? {} : { arithmetic }) };
}

function sessionOf(number: number): Session {
  const session = sessions.get(number);
  if (session === undefined) throw new Error(`session ${number} has been released`);
  return session;
}

function reply(message: ThreadReply, transfer: ArrayBuffer[]): void {
  parentPort?.postMessage(message, transfer);
}
