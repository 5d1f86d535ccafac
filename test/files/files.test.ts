import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  appendLine,
  checkId,
  encodeNpy,
  makeFolder,
  npyHeader,
  pathUnder,
  publishFile,
  publishFolder,
  readNpy,
  replaceAtomic,
  sha256,
  sha256File,
  temporaryName,
  writeFileAtomic,
} from "../../src/files/index.js";
import { FoldwiseError } from "../../src/types/index.js";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "foldwise-files-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe("appendLine", () => {
  it("ends a line that was cut short, so that it costs no other", () => {
    const path = join(folder(), "events.ndjson");
    appendLine(path, '{"n":1}');
    writeFileSync(path, '{"n":2', { flag: "a" });
    appendLine(path, '{"n":3}');
    appendLine(path, '{"n":4}');
    expect(readFileSync(path, "utf8")).toBe('{"n":1}\n{"n":2\n{"n":3}\n{"n":4}\n');
  });
});

describe("atomic writes", () => {
  it("make the folders above, replace what stood there and leave no temporary file", () => {
    const root = folder();
    const path = join(root, "a", "b.txt");
    writeFileAtomic(path, "first");
    writeFileAtomic(path, "second, größer");
    expect(readFileSync(path, "utf8")).toBe("second, größer");
    expect(readdirSync(join(root, "a"))).toEqual(["b.txt"]);
  });

  it("leave what stood there when the writer throws", () => {
    const root = folder();
    const path = join(root, "b.txt");
    writeFileAtomic(path, "first");
    const failing = (): void =>
      replaceAtomic(path, () => {
        throw new Error("in the middle");
      });
    expect(failing).toThrow("in the middle");
    expect(readFileSync(path, "utf8")).toBe("first");
    expect(readdirSync(root)).toEqual(["b.txt"]);
  });

  it("publish a file that someone else wrote", () => {
    const path = join(folder(), "c.txt");
    const temporary = temporaryName(path);
    writeFileSync(temporary, "done");
    publishFile(temporary, path);
    expect(readFileSync(path, "utf8")).toBe("done");
    expect(existsSync(temporary)).toBe(false);
  });

  it("say io.write_failed with a remedy where a file stands in the way of a folder", () => {
    const root = folder();
    writeFileSync(join(root, "file"), "");
    for (const act of [() => makeFolder(join(root, "file", "x")), () => writeFileAtomic(join(root, "file", "x"), "")]) {
      expect(act).toThrow(expect.objectContaining({ code: "io.write_failed", remedy: expect.stringMatching(/\w/) }));
    }
  });
});

describe(".npy files", () => {
  it("round-trip every value of every type", () => {
    const path = join(folder(), "x.npy");
    fc.assert(
      fc.property(
        fc.float32Array(),
        fc.float64Array(),
        fc.int8Array(),
        fc.int32Array(),
        fc.bigInt64Array(),
        (f4, f8, i1, i4, i8) => {
          writeFileSync(path, encodeNpy("<f4", [f4.length], f4));
          expect(readNpy(path, "<f4").data).toEqual(f4);
          writeFileSync(path, encodeNpy("<f8", [f8.length], f8));
          expect(readNpy(path, "<f8").data).toEqual(f8);
          writeFileSync(path, encodeNpy("|i1", [i1.length], i1));
          expect(readNpy(path, "|i1").data).toEqual(i1);
          writeFileSync(path, encodeNpy("<i4", [i4.length], i4));
          expect(readNpy(path, "<i4").data).toEqual(i4);
          writeFileSync(path, encodeNpy("<i8", [i8.length], i8));
          expect(readNpy(path, "<i8").data).toEqual(i8);
        },
      ),
      { numRuns: 30 },
    );
  });

  it("have a header whose length does not depend on the number of rows", () => {
    const lengths = [0, 1, 104_000, 2_000_000_000].map((rows) => npyHeader("<f4", [rows, 180]).length);
    expect(new Set(lengths)).toEqual(new Set([128]));
  });

  it("are refused when cut short, of another type, or not .npy at all", () => {
    const path = join(folder(), "x.npy");
    writeFileSync(path, encodeNpy("<f4", [3], Float32Array.of(1, 2, 3)));
    expect(() => readNpy(path, "<f8")).toThrow(expect.objectContaining({ code: "data.bad_npy" }));
    truncateSync(path, 130);
    expect(() => readNpy(path, "<f4")).toThrow(expect.objectContaining({ code: "data.bad_npy" }));
    writeFileSync(path, "not numpy at all");
    expect(() => readNpy(path, "<f4")).toThrow(expect.objectContaining({ code: "data.bad_npy" }));
  });
});

describe("publishing a folder", () => {
  it("replaces the folder of that name, and leaves it there when the new one cannot take its place", () => {
    const dir = folder();
    const [path, next] = [join(dir, "model"), join(dir, "model.next")];
    for (const [name, text] of [
      [path, "old"],
      [next, "new"],
    ] as const) {
      makeFolder(name);
      writeFileSync(join(name, "file"), text);
    }
    expect(() => publishFolder(join(dir, "absent"), path)).toThrow(
      expect.objectContaining({ code: "io.write_failed" }),
    );
    expect(readFileSync(join(path, "file"), "utf8")).toBe("old");
    publishFolder(next, path);
    expect(readFileSync(join(path, "file"), "utf8")).toBe("new");
    expect(readdirSync(dir)).toEqual(["model"]);
  });
});

describe("ids and paths", () => {
  it.each(["MES", "ES.c.0", "20260101_120000-2", "CONE", "COM10", "a".repeat(64)])("%s may stand in a path", (id) => {
    expect(checkId(id, "symbol")).toBe(id);
  });

  it.each(["", "../x", "a/b", ".hidden", "-x", "a b", "a\0", "ü", "a".repeat(65), "CON", "nul", "Com1.x", "MES."])(
    "%j may not",
    (id) => {
      expect(() => checkId(id, "symbol")).toThrow(expect.objectContaining({ code: "usage.bad_id" }));
    },
  );

  it("pathUnder never leaves its root, whatever is joined", () => {
    const parts = fc.array(fc.constantFrom("..", ".", "a", "../..", "/", "b/../../c", "..."), { maxLength: 6 });
    fc.assert(
      fc.property(parts, (names) => {
        try {
          expect(`${pathUnder("/root/data", ...names)}/`.startsWith("/root/data/")).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(FoldwiseError);
        }
      }),
    );
    expect(() => pathUnder("/root/data", "..", "data2")).toThrow(FoldwiseError);
  });
});

describe("sha256File", () => {
  it("gives what sha256 gives, for small files and for those hashed on a thread", async () => {
    const path = join(folder(), "x.bin");
    for (const size of [0, 5, (32 << 20) + 12345]) {
      const bytes = Buffer.alloc(size, "foldwise");
      writeFileSync(path, bytes);
      expect(await sha256File(path)).toBe(sha256(bytes));
    }
  });

  it("fails for a file that is not there", async () => {
    await expect(sha256File(join(folder(), "none"))).rejects.toThrow("ENOENT");
  });
});
