/** A place in a trace, as W3C's `traceparent` tells it. */
export interface TraceContext {
  /** 32 hex digits that all spans of a trace share. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Whether who began the trace wants it kept. */
  readonly isSampled: boolean;
}

/** Version 00 has these four fields; later versions may add more behind them. Source: W3C Trace Context, section 3.2. */
const TRACEPARENT =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/;

/** Reads a `traceparent`; undefined where there is none, or none that makes sense. */
export function readTraceparent(text: string | null | undefined): TraceContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(text ?? "") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function writeTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? "01" : "00"}`;
}

/** A span within the trace of another. `randomHex` draws so many bytes, as hex digits. */
export function childOf(parent: TraceContext, randomHex: (bytes: number) => string): TraceContext {
  return { ...parent, spanId: randomHex(8) };
}

/** The first span of a trace, of which `ratio` are kept: by their ids, so that whoever decides by them decides the same. */
export function newTrace(ratio: number, randomHex: (bytes: number) => string): TraceContext {
  const traceId = randomHex(16);
  // Source: W3C Trace Context level 2: the last seven bytes are random. Of their 56 bits the first 52 are a whole number here.
  const drawn = Number.parseInt(traceId.slice(18, 31), 16) / 2 ** 52;
  return { traceId, spanId: randomHex(8), isSampled: drawn < ratio };
}

/** Which traces are kept. */
export interface Sampling {
  /** Share of them, 0 … 1. */
  readonly ratio: number;
  /** Whether who began a trace decides for it. */
  readonly followsParent: boolean;
}

/** Where a span stands: in the trace of `parent`, or first in a new one; whether it is kept is decided as `sampling` says. */
export function spanContext(
  parent: TraceContext | undefined,
  { ratio, followsParent }: Sampling,
  randomHex: (bytes: number) => string,
): TraceContext {
  if (parent === undefined) return newTrace(ratio, randomHex);
  const child = childOf(parent, randomHex);
  return followsParent
    ? child
    : { ...child, isSampled: newTrace(ratio, () => parent.traceId).isSampled };
}

/** Where nothing is exported, traces are handed on as they came: whoever reads a log may still want them. */
export const HANDED_ON: Sampling = { ratio: 1, followsParent: true };
