import type { ByteView } from "./byte-view.ts";
import type { ImageHeader } from "./header.ts";
import type { Size } from "./layout.ts";

/**
 * Reads the size of an AVIF's primary picture as its decoder gives it: cropped and turned as the container says. EXIF
 * turns nothing here, so the orientation is 1. Returns the header, "truncated", or why it cannot be read.
 *
 * Source: ISO/IEC 14496-12 §4.2 and §8.11 (boxes, meta), ISO/IEC 23008-12 §6.5 and §9.3 (ispe, clap, irot, ipma), AVIF 1.1.
 */
export function readAvif(view: ByteView): ImageHeader | string {
  const file = { view, start: 0, end: view.byteLength };
  const meta = findBox(file, META);
  if (meta === undefined || meta.isCut) return "truncated";
  const size = primarySize({ ...meta, start: meta.start + FULL_BOX_BYTES });
  if (size === undefined) return "the AVIF does not say its size";
  const frames = view.getUint32(8) === SEQUENCE_BRAND ? 2 : 1;
  return { type: "avif", ...size, orientation: 1, frames };
}

/** Says whether so few bytes may yet become an ISO media file, whose type stands behind a small length. */
export function mayBecomeAvif(view: ByteView): boolean {
  const length = view.getUint32(0);
  const isTyped = view.byteLength < 8 || view.getUint32(4) === FILE_TYPE;
  return view.byteLength < 16 && length >= 8 && length < MAX_FILE_TYPE_BYTES && isTyped;
}

/** Says whether an ISO media file is one of AV1 pictures: by its main brand or by one that it is compatible with. */
export function isAvif(view: ByteView): boolean {
  if (view.byteLength < 16 || view.getUint32(4) !== FILE_TYPE) return false;
  const end = Math.min(view.getUint32(0), view.byteLength, MAX_FILE_TYPE_BYTES);
  for (let offset = 8; offset + 4 <= end; offset += offset === 8 ? 8 : 4) {
    const brand = view.getUint32(offset);
    if (brand === STILL_BRAND || brand === SEQUENCE_BRAND) return true;
  }
  return false;
}

const FILE_TYPE = 0x66747970; // ftyp
const STILL_BRAND = 0x61766966; // avif
const SEQUENCE_BRAND = 0x61766973; // avis
const META = 0x6d657461;
const PRIMARY_ITEM = 0x7069746d; // pitm
const PROPERTIES = 0x69707270; // iprp
const PROPERTY_CONTAINER = 0x6970636f; // ipco
const ASSOCIATIONS = 0x69706d61; // ipma
const EXTENTS = 0x69737065; // ispe
const APERTURE = 0x636c6170; // clap
const ROTATION = 0x69726f74; // irot

/** Version and flags in front of a full box. */
const FULL_BOX_BYTES = 4;

/** Threat: a file type of megabytes of brands. Writers name about five. */
const MAX_FILE_TYPE_BYTES = 256;

/** Boxes looked at side by side. Threat: millions of empty ones. A picture has about ten of each kind. */
const MAX_BOXES = 256;

/** A stretch of the file: a box's content, or a list of boxes. */
interface Span {
  readonly view: ByteView;
  readonly start: number;
  readonly end: number;
}

interface Box extends Span {
  readonly type: number;
  /** Whether it says to be longer than what it lies in. */
  readonly isCut: boolean;
}

/** Lists the boxes that follow each other in a span; the last may be cut off. */
function boxesIn({ view, start, end }: Span): Box[] {
  const boxes: Box[] = [];
  let offset = start;
  while (offset + 8 <= end && boxes.length < MAX_BOXES) {
    const stated = view.getUint32(offset);
    const isLong = stated === 1 && offset + 16 <= end;
    const head = isLong ? 16 : 8;
    const length = isLong
      ? Number(view.getBigUint64(offset + 8))
      : stated === 0
        ? end - offset
        : stated;
    if (length < head) break;
    const type = view.getUint32(offset + 4);
    const isCut = offset + length > end;
    boxes.push({ view, type, isCut, start: offset + head, end: isCut ? end : offset + length });
    offset += length;
  }
  return boxes;
}

function findBox(span: Span, type: number): Box | undefined {
  return boxesIn(span).find((box) => box.type === type);
}

function primarySize(meta: Span): Size | undefined {
  const primary = findBox(meta, PRIMARY_ITEM);
  const properties = findBox(meta, PROPERTIES);
  if (primary === undefined || properties === undefined) return undefined;
  const item = reader(primary);
  const id = item.version === 0 ? item.next(2) : item.next(4);
  const container = findBox(properties, PROPERTY_CONTAINER);
  const associations = findBox(properties, ASSOCIATIONS);
  if (id === undefined || container === undefined || associations === undefined) return undefined;
  const boxes = boxesIn(container);
  const own = propertiesOf(id, associations).map((index) => boxes[index - 1]);
  return own.reduce<Size | undefined>(sizeAfter, undefined);
}

/** The numbers, from 1 on, of an item's properties in their order. */
function propertiesOf(id: number, associations: Span): number[] {
  const { version, flags, next } = reader(associations);
  const isLong = (flags & 1) !== 0;
  const entries = next(4) ?? 0;
  for (let entry = 0; entry < Math.min(entries, MAX_BOXES); entry++) {
    const item = version < 1 ? next(2) : next(4);
    const count = next(1) ?? 0;
    const indices = Array.from({ length: count }, () => next(isLong ? 2 : 1) ?? 0);
    // The highest bit says that the property must be understood.
    if (item === id) return indices.map((index) => index & (isLong ? 0x7fff : 0x7f));
  }
  return [];
}

/** What a property makes of the size so far. */
function sizeAfter(size: Size | undefined, box: Box | undefined): Size | undefined {
  if (box === undefined) return size;
  const { view, start, end } = box;
  if (box.type === EXTENTS && start + 12 <= end)
    return { width: view.getUint32(start + 4), height: view.getUint32(start + 8) };
  if (size === undefined) return undefined;
  if (box.type === ROTATION && start + 1 <= end)
    return (view.getUint8(start) & 1) === 0 ? size : { width: size.height, height: size.width };
  if (box.type === APERTURE && start + 16 <= end)
    return {
      width: Math.round(view.getUint32(start) / view.getUint32(start + 4)) || 0,
      height: Math.round(view.getUint32(start + 8) / view.getUint32(start + 12)) || 0,
    };
  return size;
}

/** Reads numbers one after the other behind a full box's version and flags; undefined beyond its end. */
function reader({ view, start, end }: Span): {
  readonly version: number;
  readonly flags: number;
  next(bytes: 1 | 2 | 4): number | undefined;
} {
  let offset = start + FULL_BOX_BYTES;
  const head = start + FULL_BOX_BYTES <= end ? view.getUint32(start) : 0;
  const next = (bytes: 1 | 2 | 4): number | undefined => {
    const at = offset;
    offset += bytes;
    if (offset > end) return undefined;
    return bytes === 1 ? view.getUint8(at) : bytes === 2 ? view.getUint16(at) : view.getUint32(at);
  };
  return { version: head >>> 24, flags: head & 0xffffff, next };
}
