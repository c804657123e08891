/**
 * Finds the orientation, 1 … 8, in the TIFF structure that lies between two offsets; undefined where none is to be found.
 * Metadata that is cut off or broken turns no picture: it is passed over. Source: EXIF 2.32 §4.5.2 and §4.6.4, tag 0x0112.
 */
export function readOrientation(view: DataView, start: number, end: number): number | undefined {
  if (start + 8 > end) return undefined;
  const order = view.getUint16(start);
  if (order !== LITTLE_ENDIAN && order !== BIG_ENDIAN) return undefined;
  const isLittle = order === LITTLE_ENDIAN;
  const directory = start + view.getUint32(start + 4, isLittle);
  if (directory + 2 > end) return undefined;
  const entries = Math.min(view.getUint16(directory, isLittle), MAX_EXIF_ENTRIES);
  for (let index = 0; index < entries; index++) {
    const entry = directory + 2 + index * ENTRY_BYTES;
    if (entry + ENTRY_BYTES > end) return undefined;
    if (view.getUint16(entry, isLittle) === ORIENTATION_TAG) {
      const value = view.getUint16(entry + 8, isLittle);
      return value >= 1 && value <= 8 ? value : undefined;
    }
  }
  return undefined;
}

const LITTLE_ENDIAN = 0x4949;
const BIG_ENDIAN = 0x4d4d;
const ORIENTATION_TAG = 0x0112;
const ENTRY_BYTES = 12;

/** Entries of the first directory looked at. Threat: 65,535 entries in each of many segments; cameras write about twenty. */
const MAX_EXIF_ENTRIES = 256;
