import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { demoSourcePath, generateDemoBars, writeDemoData } from "../../../src/data/demo/index.js";
import { readBars } from "../../../src/data/index.js";

const options = { symbol: "MGC", bars: 700, bar: "5m", seed: 3 };
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "foldwise-demo-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("writeDemoData", () => {
  it.each(["bars.csv", "bars.parquet"])(
    "writes %s so that the reader gets exactly the generated bars",
    async (name) => {
      const path = await writeDemoData({ ...options, out: join(folder, name) });
      const file = await readBars(path, { barTime: "close" });
      const { bars } = generateDemoBars(options);
      for (const column of ["timestamp", "open", "high", "low", "close", "volume"] as const) {
        expect(file.bars[column]).toEqual(bars[column]);
      }
      expect(file.step).toBe(5 * 60_000_000);
    },
  );

  it("names a file in a folder as synthetic and puts the mark beside it", async () => {
    const path = await writeDemoData({ ...options, out: join(folder, "new", "folder") });
    expect(basename(path)).toBe("MGC_synthetic_5m.csv");
    const source: unknown = JSON.parse(readFileSync(demoSourcePath(path), "utf8"));
    expect(source).toMatchObject({ synthetic: true, symbol: "MGC", bar: "5m", bars: 700, seed: 3, bar_time: "close" });
  });

  it("writes the same bytes again for the same options", async () => {
    const path = await writeDemoData({ ...options, out: join(folder, "twice.csv") });
    const first = readFileSync(path, "utf8");
    await writeDemoData({ ...options, out: path });
    expect(readFileSync(path, "utf8")).toBe(first);
  });

  it.each(["bars", "mark"])("leaves a stranger's %s alone", async (what) => {
    const out = join(folder, `own-${what}.csv`);
    const stranger = what === "bars" ? out : demoSourcePath(out);
    writeFileSync(stranger, '{"synthetic": true}\n');
    await expect(writeDemoData({ ...options, out })).rejects.toMatchObject({
      code: "usage.output_exists",
      exitCode: 2,
      message: expect.stringContaining(stranger),
      remedy: expect.stringContaining("--out"),
    });
    expect(readFileSync(stranger, "utf8")).toBe('{"synthetic": true}\n');
    expect(existsSync(what === "bars" ? demoSourcePath(out) : out)).toBe(false);
  });

  it("refuses another kind of file", async () => {
    await expect(writeDemoData({ ...options, out: join(folder, "bars.xlsx") })).rejects.toMatchObject({
      code: "usage.bad_demo_file",
      remedy: expect.stringContaining(".parquet"),
    });
  });

  it.each(["x.csv", "x.parquet"])("leaves nothing of %s behind when it cannot be published", async (name) => {
    const place = join(folder, `taken-${name}`);
    const out = join(place, name);
    mkdirSync(out, { recursive: true });
    writeFileSync(join(out, "in the way"), "");
    await expect(writeDemoData({ ...options, out })).rejects.toMatchObject({ code: "io.write_failed" });
    expect(readdirSync(place).filter((entry) => entry.endsWith(".tmp"))).toEqual([]);
    expect(existsSync(join(out, "in the way"))).toBe(true);
  });

  it("says io.write_failed where the folder is a file", async () => {
    writeFileSync(join(folder, "file"), "");
    await expect(writeDemoData({ ...options, out: join(folder, "file", "bars.csv") })).rejects.toMatchObject({
      code: "io.write_failed",
    });
  });
});
