/** A `fetch` whose streams of events can be cut by hand, as a network would. */
export interface CuttableFetch {
  readonly fetch: typeof fetch;
  /** Breaks what is being read. What lies unread in it is lost, as it would be. */
  cut(): void;
}

/** Told with each stream that goes on behind another: which event was the last that arrived. */
export type OnResumed = (lastEventId: string) => void;

/** Streams are handed on one event at a time, and only when asked for, so that a cut falls between two that were shown. */
export function cuttableFetch(request: typeof fetch, onResumed: OnResumed): CuttableFetch {
  let cutting = new AbortController();
  return {
    async fetch(input, init) {
      const lastEventId = new Headers(init?.headers).get("last-event-id");
      const response = await request(input, init);
      if (!response.ok || response.body === null || !isStream(response)) return response;
      if (lastEventId !== null) onResumed(lastEventId);
      cutting = new AbortController();
      const body = eventByEvent(response.body, cutting.signal);
      return new Response(body, { status: response.status, headers: response.headers });
    },
    cut: () => cutting.abort(),
  };
}

function isStream({ headers }: Response): boolean {
  return headers.get("content-type")?.startsWith("text/event-stream") === true;
}

const LINE_FEED = 10;

function eventByEvent(
  body: ReadableStream<Uint8Array>,
  cut: AbortSignal,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  let kept = new Uint8Array();
  return new ReadableStream(
    {
      start(controller) {
        cut.addEventListener("abort", () => {
          // As every browser's fetch says it: a TypeError is how the client knows a network's fault.
          controller.error(new TypeError("network error: the stream was cut"));
          void reader.cancel().catch(() => undefined);
        });
      },
      async pull(controller) {
        for (;;) {
          const end = endOfEvent(kept);
          if (end > 0) {
            controller.enqueue(kept.slice(0, end));
            kept = kept.slice(end);
            return;
          }
          const { done, value } = await reader.read();
          if (cut.aborted) return;
          if (done) {
            if (kept.length > 0) controller.enqueue(kept);
            controller.close();
            return;
          }
          const joined = new Uint8Array(kept.length + value.length);
          joined.set(kept);
          joined.set(value, kept.length);
          kept = joined;
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

/** Index behind the blank line that ends the first event, 0 where none has ended. The service ends lines with a line feed alone. */
function endOfEvent(bytes: Uint8Array): number {
  for (let index = 1; index < bytes.length; index += 1)
    if (bytes[index] === LINE_FEED && bytes[index - 1] === LINE_FEED) return index + 1;
  return 0;
}
