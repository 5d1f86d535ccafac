import { closeSync, fdatasync, openSync, writeSync } from "node:fs";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import { npyHeader } from "../files/index.js";
import { firstInfinite } from "./transpose.js";

/** A value that a model cannot take, found while writing. */
export interface InfiniteValue {
  /** Row in the whole dataset, from 0. */
  row: number;
  feature: number;
}

/**
 * Writes `X.npy` (N, F) float32 row-major a block at a time: the matrix is never whole in memory.
 * On the way it looks for ±inf and for columns that never change.
 */
export class FeatureWriter {
  private readonly fd: number;
  private rows = 0;
  private crc = 0;
  private first: Float32Array | null = null;
  private stillConstant: number[];
  private readonly headerBytes: number;

  constructor(
    path: string,
    private readonly features: number,
  ) {
    this.fd = openSync(path, "wx+");
    // Its length does not depend on N, so it is written last, when N is known.
    this.headerBytes = npyHeader("<f4", [0, features]).length;
    this.stillConstant = Array.from({ length: features }, (_, j) => j);
  }

  /** `block` is row-major (n, F) and stays the caller's. Returns the first ±inf, or null. */
  add(block: Float32Array): InfiniteValue | null {
    const F = this.features;
    const bad = firstInfinite(block);
    if (bad !== null) return { row: this.rows + Math.floor(bad / F), feature: bad % F };
    this.keepConstant(block);
    writeFully(this.fd, block, this.headerBytes + this.rows * F * 4);
    this.rows += block.length / F;
    this.crc = crc32(block, this.crc);
    return null;
  }

  /** Features that had one value, or none, in all rows. */
  constants(): number[] {
    return this.rows > 1 ? this.stillConstant : [];
  }

  /** Of the values written. */
  checksum(): number {
    return this.crc;
  }

  async finish(): Promise<void> {
    const header = npyHeader("<f4", [this.rows, this.features]);
    if (header.length !== this.headerBytes) throw new Error("the .npy header grew");
    writeFully(this.fd, header, 0);
    await promisify(fdatasync)(this.fd);
    closeSync(this.fd);
  }

  abandon(): void {
    closeSync(this.fd);
  }

  private keepConstant(block: Float32Array): void {
    this.first ??= block.slice(0, this.features);
    const first = this.first;
    const F = this.features;
    this.stillConstant = this.stillConstant.filter((j) => {
      for (let at = j; at < block.length; at += F) if (!Object.is(block[at], first[j])) return false;
      return true;
    });
  }
}

function writeFully(fd: number, data: Float32Array | Uint8Array, position: number): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}
