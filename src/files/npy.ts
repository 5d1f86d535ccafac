/** Reads and writes NumPy's .npy format, version 1.0 (numpy.org/doc/stable/reference/generated/numpy.lib.format.html). C order only. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { FoldwiseError } from "../types/index.js";

const DTYPES = {
  "<f4": Float32Array,
  "<f8": Float64Array,
  "|i1": Int8Array,
  "<i4": Int32Array,
  "<i8": BigInt64Array,
} as const;

export type NpyDtype = keyof typeof DTYPES;
interface NpyArrays {
  "<f4": Float32Array;
  "<f8": Float64Array;
  "|i1": Int8Array;
  "<i4": Int32Array;
  "<i8": BigInt64Array;
}
export type NpyData<D extends NpyDtype> = NpyArrays[D];

export interface NpyHeader {
  dtype: NpyDtype;
  shape: number[];
  /** Byte offset of the first value. */
  offset: number;
}

/** The bytes that precede the values of an array of that type and shape; a multiple of 64. */
export function npyHeader(dtype: NpyDtype, shape: readonly number[]): Buffer {
  const dims = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dict = `{'descr': '${dtype}', 'fortran_order': False, 'shape': (${dims}), }`;
  const padded = dict.padEnd(Math.ceil((10 + dict.length + 1) / 64) * 64 - 11, " ");
  const head = Buffer.alloc(10);
  head.write("\x93NUMPY\x01\x00", "latin1");
  head.writeUInt16LE(padded.length + 1, 8);
  return Buffer.concat([head, Buffer.from(`${padded}\n`, "latin1")]);
}

/** A whole .npy file in memory. */
export function encodeNpy<D extends NpyDtype>(dtype: D, shape: readonly number[], data: NpyData<D>): Buffer {
  return Buffer.concat([npyHeader(dtype, shape), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}

/** Parses the header of the open file `fd`; throws `data.bad_npy` for anything this library does not write. */
export function readNpyHeader(fd: number, path: string): NpyHeader {
  const head = Buffer.alloc(10);
  const bad = (why: string): FoldwiseError =>
    new FoldwiseError("data.bad_npy", `${path} is not a .npy file that Foldwise reads: ${why}.`, {
      remedy: "Delete the dataset's folder under .foldwise/datasets; it is rebuilt from its source.",
    });
  if (readSync(fd, head, 0, 10, 0) < 10 || head.toString("latin1", 0, 8) !== "\x93NUMPY\x01\x00")
    throw bad("its head is wrong");
  const length = head.readUInt16LE(8);
  const text = Buffer.alloc(length);
  if (readSync(fd, text, 0, length, 10) < length) throw bad("its header is cut short");
  const match = /'descr': '([^']+)', 'fortran_order': False, 'shape': \(([\d, ]*)\)/.exec(text.toString("latin1"));
  const dtype = match?.[1];
  if (match === null || dtype === undefined || !(dtype in DTYPES)) throw bad("its type or order is not supported");
  const shape = (match[2] ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map(Number);
  return { dtype: dtype as NpyDtype, shape, offset: 10 + length };
}

/** Reads a whole .npy file and checks that its type is `dtype`. */
export function readNpy<D extends NpyDtype>(path: string, dtype: D): { shape: number[]; data: NpyData<D> } {
  const fd = openSync(path, "r");
  try {
    const header = readNpyHeader(fd, path);
    if (header.dtype !== dtype) {
      throw new FoldwiseError("data.bad_npy", `${path} holds ${header.dtype}, expected ${dtype}.`);
    }
    const type = DTYPES[dtype];
    const length = header.shape.reduce((product, n) => product * n, 1);
    const bytes = length * type.BYTES_PER_ELEMENT;
    if (fstatSync(fd).size !== header.offset + bytes) {
      throw new FoldwiseError(
        "data.bad_npy",
        `${path} does not have the ${bytes} bytes of values that its header announces.`,
      );
    }
    const buffer = new ArrayBuffer(bytes);
    readFully(fd, new Uint8Array(buffer), header.offset);
    return { shape: header.shape, data: new type(buffer) as NpyData<D> };
  } finally {
    closeSync(fd);
  }
}

/** Fills `target` from byte `position`; one `read` may return less than asked for. */
export function readFully(fd: number, target: Uint8Array, position: number): void {
  for (let done = 0; done < target.byteLength; ) {
    const got = readSync(fd, target, done, Math.min(target.byteLength - done, 1 << 30), position + done);
    if (got === 0) throw new FoldwiseError("data.bad_npy", "A file ended before its announced length.");
    done += got;
  }
}
