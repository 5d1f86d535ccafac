import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openStored, writeDataset, writePredictions } from "../../src/data/index.js";
import { writeFileAtomic } from "../../src/files/index.js";
import { bigDataset } from "./datasets.js";
import { failureOf, temporaryFolder } from "./helpers.js";

/**
 * Runs `work` while the kernel refuses to let any file of this process grow beyond `bytes` (EFBIG), as a full disk does
 * with ENOSPC: a real failure in the middle of a real write, without privileges.
 */
async function withFullDisk<T>(bytes: number, work: () => Promise<T>): Promise<T> {
  const limit = (soft: string): void => {
    execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${soft}:`]);
  };
  limit(String(bytes));
  try {
    return await work();
  } finally {
    limit("unlimited");
  }
}

const LIMIT = 256 << 10;

/** Everything below a folder, files and folders. */
const below = (folder: string): string[] => readdirSync(folder, { recursive: true }).map(String).sort();

// Made with prlimit, which only Linux has.
describe.runIf(process.platform === "linux")("a full disk", () => {
  it("stops writeDataset with io.write_failed, and the earlier dataset stays whole", async () => {
    const out = temporaryFolder();
    const small = bigDataset({ rows: 50 });
    await writeDataset(small, { out, layouts: ["series", "splits"] });
    const before = below(out);
    const write = () => writeDataset(bigDataset({ rows: 20_000 }), { out, layouts: ["series", "splits"] });
    const error = await withFullDisk(LIMIT, () => failureOf(write()));
    expect(error.code).toBe("io.write_failed");
    expect(error.remedy).toContain("disk space");
    expect(below(out)).toEqual(before);
    const stored = await openStored({ symbol: "TOY", data: join(out, "datasets"), store: join(out, "store") });
    expect(stored.timestamps()).toEqual(small.timestamps);
  });

  it("stops the conversion into the store, which holds no half folder afterwards", async () => {
    const out = temporaryFolder();
    await writeDataset(bigDataset({ rows: 20_000 }), { out, layouts: ["series"] });
    const store = join(out, "store");
    const open = () => openStored({ symbol: "TOY", data: join(out, "datasets"), store });
    expect((await withFullDisk(LIMIT, () => failureOf(open()))).code).toBe("io.write_failed");
    expect(below(store)).toEqual(["index"]);
    expect((await open()).manifest.rows).toBe(20_000);
  });

  it.each(["out.parquet", "out.csv"])("stops predictions to %s", async (name) => {
    const folder = temporaryFolder();
    const noise = Float32Array.from({ length: 200_000 }, () => Math.random());
    const write = () => writePredictions(join(folder, name), [{ name: "p", type: "float32" }], [{ p: noise }]);
    expect((await withFullDisk(LIMIT, () => failureOf(write()))).code).toBe("io.write_failed");
    expect(below(folder)).toEqual([]);
  });

  it("stops writeFileAtomic, and what stood under the name before still stands", async () => {
    const folder = temporaryFolder();
    const path = join(folder, "kept.bin");
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, "before");
    const write = async (): Promise<void> => writeFileAtomic(path, Buffer.alloc(2 * LIMIT));
    expect((await withFullDisk(LIMIT, () => failureOf(write()))).code).toBe("io.write_failed");
    expect(below(folder)).toEqual(["kept.bin"]);
  });
});
