import type { ByteView } from "./byte-view.ts";
/**
 * Reads the orientation, 1 … 8, in the EXIF data that lies between two offsets; 1 where none is to be found. Metadata that
 * is cut off or broken turns no picture: it is passed over.
 *
 * Where files are odd the standard leaves open what they mean; then this reads what the decoder's library reads, so that a
 * picture is turned as it would be elsewhere: the first entry with a value counts, of any whole-number type.
 * Source: EXIF 2.32 §4.5.2 and §4.6.4, tag 0x0112; libexif 0.6.26, exif-data.c; libvips 8.18, foreign/exif.c.
 */
export function readOrientation(view: ByteView, start: number, end: number): number {
  const from = hasPrefix(view, start, end) ? start + EXIF_PREFIX_BYTES : start;
  const to = Math.min(end, from + MAX_TIFF_BYTES);
  if (from + 8 > to) return 1;
  const order = view.getUint16(from);
  if (order !== LITTLE_ENDIAN && order !== BIG_ENDIAN) return 1;
  const isLittle = order === LITTLE_ENDIAN;
  const tiff = { view, start: from, end: to, isLittle };
  if (view.getUint16(from + 2, isLittle) !== TIFF_MAGIC) return 1;
  const directory = from + view.getUint32(from + 4, isLittle);
  if (directory + 2 > to) return 1;
  const announced = view.getUint16(directory, isLittle);
  const entries = Math.min(announced, Math.floor((to - directory - 2) / ENTRY_BYTES));
  for (let index = 0; index < entries; index++) {
    const entry = directory + 2 + index * ENTRY_BYTES;
    if (view.getUint16(entry, isLittle) !== ORIENTATION_TAG) continue;
    const value = readValue(tiff, entry);
    if (value !== undefined) return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/** "Exif" and two zeros: the name of JPEG's segment, which some writers of other files put in front as well. */
export const EXIF_PREFIX_BYTES = 6;

/** Says whether EXIF data has its JPEG name in front. */
export function hasPrefix(view: ByteView, start: number, end: number): boolean {
  return (
    start + EXIF_PREFIX_BYTES <= end &&
    view.getUint32(start) === 0x45786966 && // Exif
    view.getUint16(start + 4) === 0
  );
}

const LITTLE_ENDIAN = 0x4949;
const BIG_ENDIAN = 0x4d4d;
const TIFF_MAGIC = 42;
const ORIENTATION_TAG = 0x0112;
const ENTRY_BYTES = 12;

/** What a segment of a JPEG can hold; a longer structure is read so far. Bounds the entries, too. */
const MAX_TIFF_BYTES = 65_528;

/** Bytes of one value of each type 1 … 12; others are not known. Source: EXIF 2.32 §4.6.2, TIFF 6.0 §2. */
const typeBytes: readonly number[] = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8];

interface Tiff {
  readonly view: ByteView;
  readonly start: number;
  readonly end: number;
  readonly isLittle: boolean;
}

/** Reads an entry's value; 0 where it is none of an orientation; undefined where there is none and the next entry counts. */
function readValue({ view, start, end, isLittle }: Tiff, entry: number): number | undefined {
  const type = view.getUint16(entry + 2, isLittle);
  const count = view.getUint32(entry + 4, isLittle);
  const size = (typeBytes[type] ?? 0) * count;
  if (size === 0) return undefined;
  const place = size > 4 ? start + view.getUint32(entry + 8, isLittle) : entry + 8;
  if (place + size > end) return undefined;
  if (count >= MAX_SPELT_VALUES) return 0;
  switch (type) {
    case 1: // BYTE
    case 6: // SBYTE
      return view.getUint8(place);
    case 3: // SHORT
    case 8: // SSHORT
      return view.getUint16(place, isLittle);
    case 4: // LONG, of which the lower half is looked at.
    case 9: // SLONG
      return view.getUint32(place, isLittle) & 0xffff;
    case 5: // RATIONAL: its numerator.
    case 10: // SRATIONAL
      return view.getInt32(place, isLittle);
    default:
      return 0;
  }
}

/** The decoder's library spells fewer values than this out; of more it reads none. */
const MAX_SPELT_VALUES = 10;
