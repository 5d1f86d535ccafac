import { execFile } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { openStored } from "../../src/data/index.js";
import { readNpy } from "../../src/files/index.js";
import { temporaryFolder } from "./helpers.js";
import { smallTable, withCell, writeCsv } from "./tables.js";

function toy() {
  const folder = temporaryFolder();
  const path = writeCsv(join(folder, "TOY.csv"), smallTable());
  const store = join(folder, "store");
  const open = (verify = false) => openStored({ symbol: "TOY", data: folder, store, verify });
  return { folder, path, store, open };
}

const datasetsIn = (store: string): string[] => readdirSync(store).filter((name) => name !== "index");

describe("the store", () => {
  it("holds arrays that NumPy reads, and a manifest with snake_case keys", async () => {
    const { open } = toy();
    const { dir, manifest } = await open();
    expect(readNpy(join(dir, "X.npy"), "<f4").shape).toEqual([40, 2]);
    expect(readNpy(join(dir, "t.npy"), "<i8").data[1]).toBe(BigInt(Date.UTC(2024, 0, 1, 0, 1)) * 1000n);
    expect(readdirSync(dir).sort()).toEqual(
      ["X", "piece", "t", "t_end_h1", "t_end_h3", "w_h1", "w_h3", "y_h1", "y_h3"]
        .map((name) => `${name}.npy`)
        .concat("manifest.json")
        .sort(),
    );
    const json: unknown = JSON.parse(readFileSync(join(dir, "manifest.json"), "utf8"));
    expect(json).toMatchObject({ format: 1, median_step: 60e6, label_end: { 1: "derived" }, has_entry_price: false });
    expect(dir.endsWith(manifest.fingerprint)).toBe(true);
  });

  it("gives the same folder again, and for a renamed or touched file without writing a second one", async () => {
    const { folder, path, store, open } = toy();
    const { dir } = await open();
    const written = statSync(join(dir, "X.npy")).mtimeMs;
    utimesSync(path, 1, 1);
    expect((await open()).dir).toBe(dir);
    mkdirSync(join(folder, "moved"));
    copyFileSync(path, join(folder, "moved", "TOY.csv"));
    const moved = await openStored({ symbol: "TOY", data: join(folder, "moved"), store });
    expect(moved.dir).toBe(dir);
    expect(statSync(join(dir, "X.npy")).mtimeMs).toBe(written);
    expect(datasetsIn(store)).toHaveLength(1);
  });

  it("sees changed contents", async () => {
    const { path, store, open } = toy();
    const first = await open();
    writeCsv(path, withCell(smallTable(), "rsi_14", 0, 99));
    const second = await open();
    expect(second.dir).not.toBe(first.dir);
    expect((await second.readRows(Int32Array.of(0)))[0]).toBe(99);
    expect(datasetsIn(store)).toHaveLength(2);
  });

  it("with verify sees contents that changed behind an unchanged size, date and inode", async () => {
    const { path, open } = toy();
    utimesSync(path, 1000, 1000);
    const first = await open();
    writeFileSync(path, readFileSync(path, "utf8").replace("0.125", "0.625"));
    utimesSync(path, 1000, 1000);
    expect((await open()).dir).toBe(first.dir);
    const verified = await open(true);
    expect((await verified.readRows(Int32Array.of(1)))[0]).toBe(0.625);
  });

  it.each(["X", "y_h1", "w_h3", "t", "t_end_h3", "piece"])("with verify refuses a changed byte in %s", async (name) => {
    const { open } = toy();
    const { dir } = await open();
    await open(true);
    const path = join(dir, `${name}.npy`);
    const bytes = readFileSync(path);
    bytes[bytes.length - 1]! ^= 1;
    writeFileSync(path, bytes);
    await expect(open(true)).rejects.toMatchObject({
      code: "data.store_damaged",
      exitCode: 2,
      message: expect.stringContaining(`${name}.npy`),
      remedy: expect.stringContaining("Remove that folder"),
    });
    rmSync(dir, { recursive: true });
    expect((await open(true)).dir).toBe(dir);
  });

  it("makes a folder of a version without checksums again", async () => {
    const { open } = toy();
    const { dir } = await open();
    const path = join(dir, "manifest.json");
    const { checksums, ...old } = JSON.parse(readFileSync(path, "utf8"));
    writeFileSync(path, JSON.stringify(old));
    expect((await open()).manifest.checksums).toEqual(
      checksums.map(({ array, crc32 }: object & { array: string; crc32: number }) => ({ array, crc32 })),
    );
  });

  it.each([
    ["a missing array", (dir: string) => rmSync(join(dir, "y_h3.npy"))],
    ["a short array", (dir: string) => truncateSync(join(dir, "X.npy"), 200)],
    ["a missing manifest", (dir: string) => rmSync(join(dir, "manifest.json"))],
    ["a manifest that is no JSON", (dir: string) => writeFileSync(join(dir, "manifest.json"), "{")],
  ])("rebuilds a folder with %s", async (_, damage) => {
    const { store, open } = toy();
    const { dir } = await open();
    damage(dir);
    const again = await open();
    expect(again.dir).toBe(dir);
    expect(again.labels(3)).toHaveLength(40);
    expect(datasetsIn(store)).toHaveLength(1);
  });

  it("survives a damaged index", async () => {
    const { store, open } = toy();
    const { dir } = await open();
    for (const name of readdirSync(join(store, "index"))) writeFileSync(join(store, "index", name), "not json");
    expect((await open()).dir).toBe(dir);
  });

  it("says what is wrong where a folder stands in place of the index", async () => {
    const { store, open } = toy();
    await open();
    const [index] = readdirSync(join(store, "index"));
    rmSync(join(store, "index", index!));
    mkdirSync(join(store, "index", index!, "full"), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: "io.write_failed", message: expect.stringContaining(index!) });
    expect(readdirSync(join(store, "index"))).toEqual([index]);
  });

  it("clears away what a killed process left, and nothing of a living one", async () => {
    const { store, open } = toy();
    const { pid } = await promisify(execFile)(process.execPath, ["-p", "process.pid"]).then(({ stdout }) => ({
      pid: stdout.trim(),
    }));
    mkdirSync(join(store, `tmp.${pid}.00000000.tmp`), { recursive: true });
    mkdirSync(join(store, `tmp.${process.pid}.00000000.tmp`), { recursive: true });
    await open();
    expect(existsSync(join(store, `tmp.${pid}.00000000.tmp`))).toBe(false);
    expect(existsSync(join(store, `tmp.${process.pid}.00000000.tmp`))).toBe(true);
  });

  it("is written once when many open it at the same time", async () => {
    const { store, open } = toy();
    const all = await Promise.all(Array.from({ length: 8 }, () => open()));
    expect(new Set(all.map(({ dir }) => dir)).size).toBe(1);
    expect(datasetsIn(store)).toHaveLength(1);
  });

  it("leaves nothing when the source is refused", async () => {
    const { path, store, open } = toy();
    writeCsv(path, withCell(smallTable(), "label_h1", 39, 5));
    await expect(open()).rejects.toMatchObject({ code: "data.bad_label" });
    expect(datasetsIn(store)).toEqual([]);
  });

  it("refuses rows that a dataset does not have", async () => {
    const dataset = await toy().open();
    await expect(dataset.readRows(Int32Array.of(39, 40))).rejects.toThrow(RangeError);
    await expect(dataset.readRows(Int32Array.of(-1))).rejects.toThrow(RangeError);
  });

  it("is not confused by a renamed store folder", async () => {
    const { folder, store, open } = toy();
    await open();
    renameSync(store, join(folder, "elsewhere"));
    expect((await open()).labels(1)).toHaveLength(40);
  });
});
