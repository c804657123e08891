import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from "hyparquet";
import { UsageError } from "../../../command.ts";
import type { RowSource } from "./row-source.ts";

/** Threat: a group of rows is decoded as a whole. Hugging Face's writers end one after 100 rows with pictures, some hundred megabytes. */
const MAX_GROUP_BYTES: number = 1024 * 1024 * 1024;

/** Codecs that Hugging Face's writers use; snappy and plain are the reader's own. */
const compressors = {
  GZIP: (input: Uint8Array) => new Uint8Array(gunzipSync(input)),
  ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)),
  BROTLI: (input: Uint8Array) => new Uint8Array(brotliDecompressSync(input)),
};

/** A file of Apache Parquet, as Hugging Face keeps data sets; a picture is `{bytes, path}` there. Throws UsageError where it is none. */
export async function parquetRows(file: string): Promise<RowSource> {
  const buffer = await asyncBufferFromFile(file);
  const metadata = await parquetMetadataAsync(buffer).catch((cause: unknown) => {
    throw new UsageError(`${file} is no Parquet file`, { cause });
  });
  const groups = metadata.row_groups.map((group) => Number(group.num_rows));
  const large = metadata.row_groups.find((group) => group.total_byte_size > MAX_GROUP_BYTES);
  if (large !== undefined)
    throw new UsageError(
      `${file} has a group of rows of ${large.total_byte_size} bytes; ${MAX_GROUP_BYTES} are the most: write it with smaller groups`,
    );
  return {
    unit: "row",
    isText: false,
    async *rows() {
      let start = 0;
      for (const count of groups) {
        const range = { rowStart: start, rowEnd: start + count };
        const rows = await parquetReadObjects({
          file: buffer,
          metadata,
          compressors,
          utf8: false,
          ...range,
        });
        for (const [index, members] of rows.entries()) yield { number: start + index + 1, members };
        start += count;
      }
    },
  };
}
