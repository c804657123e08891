import { StoredJsonError } from "../../storage/stored-json.ts";
import { read } from "../bucket.ts";
import { type Checkpoint, type Cut, type Segment, storedSegment } from "../formats.ts";
import { names } from "../names.ts";
import { agrees, bookedOn, unbooked } from "./booking.ts";

/** What is wrong with what the backups hold. */
export interface BackupFault {
  /** The object that is to be looked at. */
  readonly name: string;
  /**
   * `missing` · `altered`: not as it was written · `not_bookable`: the rules would not have booked its lines ·
   * `balances_differ`: its lines come to other balances than the ledger said
   */
  readonly fault: "missing" | "altered" | "not_bookable" | "balances_differ";
}

/** How far a ledger has been booked again from zero. */
export interface Checked {
  readonly point: Checkpoint;
  readonly isEnd: boolean;
  readonly fault: BackupFault | null;
  readonly segments: number;
}

/** Called with each segment, once it is booked. */
type OnSegment = (segment: Segment, name: string) => Promise<void>;

/** Where checking a ledger begins. */
export function beginningOf({ place }: Cut): Checkpoint {
  return unbooked(place.book, timelineOfLine(place, 1));
}

/**
 * Books a ledger's lines again out of the bucket, from where an earlier call came to and up to a cut, `segments` of them at most: each
 * must follow the one before it, be what was written, and come to what the ledger said at the cut.
 */
export async function checkBook(
  bucket: R2Bucket,
  cut: Cut,
  from: Checkpoint,
  segments: number,
  onSegment: OnSegment = async () => undefined,
): Promise<Checked> {
  const { checkpoint: end, place } = cut;
  let point = from;
  let count = 0;
  const found = (name: string, fault: BackupFault["fault"]): Checked => ({
    ...{ point, isEnd: true, segments: count },
    fault: { name, fault },
  });
  while (point.seq < end.seq) {
    if (count >= segments) return { point, isEnd: false, fault: null, segments: count };
    const timeline = timelineOfLine(place, point.seq + 1);
    const name = names.segment(place.book, timeline, point.seq + 1);
    const object = await read(bucket, name);
    if (object === undefined) return found(name, "missing");
    const segment = readSegment(object.text);
    const follows =
      segment !== undefined && segment.from === point.seq + 1 && segment.previous === point.head;
    if (!follows || segment.to > end.seq) return found(name, "altered");
    const booked = bookedOn(point, segment.lines, object.sha256);
    if (!booked.ok || booked.value.seq !== segment.to) return found(name, "not_bookable");
    point = { ...booked.value, timeline };
    count += 1;
    await onSegment(segment, name);
  }
  const last = names.cut(place.book, cut.at);
  if (point.head !== end.head) return found(last, "altered");
  if (!agrees(point, end) || !agrees(point, cut.rest)) return found(last, "balances_differ");
  return { point, isEnd: true, fault: null, segments: count };
}

/** Under which timeline a line lies. */
function timelineOfLine({ forks, timeline }: Cut["place"], seq: number): number {
  return forks.find(({ to }) => seq <= to)?.timeline ?? timeline;
}

function readSegment(text: string): Segment | undefined {
  try {
    return storedSegment.read(text);
  } catch (cause) {
    if (cause instanceof StoredJsonError) return undefined;
    throw cause;
  }
}
