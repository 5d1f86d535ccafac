import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { npyHeader } from "../files/index.js";
import { FoldwiseError, type StoredDataset } from "../types/index.js";
import { arraysOf } from "./stored-dataset.js";

const BLOCK_BYTES = 1 << 20;

/** Reads every array of a store folder against its checksum; throws `data.store_damaged` for the first that is not what was written. */
export function verifyArrays({ dir, manifest }: StoredDataset): void {
  const recorded = new Map(manifest.checksums.map(({ array, crc32 }) => [array, crc32]));
  for (const { name, dtype, shape } of arraysOf(manifest)) {
    if (recorded.get(name) === checksumOf(join(dir, `${name}.npy`), npyHeader(dtype, shape))) continue;
    throw new FoldwiseError(
      "data.store_damaged",
      `${name}.npy in the store folder ${dir} is not what was written there.`,
      {
        remedy:
          "Remove that folder; it is made again from its source. Then look at the disk, or at what else writes there.",
        details: { dir, array: name },
      },
    );
  }
}

/** CRC-32 of what follows the header; null where that is another one. */
function checksumOf(path: string, header: Buffer): number | null {
  const buffer = Buffer.allocUnsafe(BLOCK_BYTES);
  const fd = openSync(path, "r");
  try {
    const head = buffer.subarray(0, readSync(fd, buffer, 0, header.length, 0));
    if (!head.equals(header)) return null;
    let crc = 0;
    for (let at = header.length; ; ) {
      const got = readSync(fd, buffer, 0, BLOCK_BYTES, at);
      if (got === 0) return crc;
      crc = crc32(buffer.subarray(0, got), crc);
      at += got;
    }
  } finally {
    closeSync(fd);
  }
}
