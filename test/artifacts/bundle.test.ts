import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bundleSources, copyBundle, readBundle, writeBundle } from "../../src/artifacts/index.js";
import { sha256 } from "../../src/files/index.js";
import { bundle, folder, pipeline, spec, trees } from "../inference/fixtures.js";

const FILES = ["config.yaml", "feature_names.txt", "manifest.json", "model.onnx", "model.ubj", "pipeline.json"];

describe("a bundle", () => {
  it("is read back as it was written", async () => {
    const dir = await bundle();
    expect(readdirSync(dir).sort()).toEqual(FILES);
    const read = await readBundle(dir);
    expect(read.manifest).toMatchObject({
      format: 1,
      model: "xgboost",
      classes: [-1, 0, 1],
      created: "2026-01-01T12:00:00.000Z",
      features: trees.features,
    });
    expect(read.pipeline).toEqual(pipeline);
    expect(readFileSync(join(dir, "feature_names.txt"), "utf8")).toBe(`${trees.features.join("\n")}\n`);
    for (const [name, { sha256: hash, bytes }] of Object.entries(read.manifest.files)) {
      const content = readFileSync(join(dir, name));
      expect([hash, bytes]).toEqual([sha256(content), content.length]);
    }
  });

  it("leaves nothing beside it", async () => {
    const dir = await bundle();
    await writeBundle(dir, spec({ seed: 8 }));
    expect(readdirSync(dirname(dir))).toEqual(["xgboost_MES_h20"]);
    expect((await readBundle(dir)).manifest.seed).toBe(8);
  });

  it("is refused when any one byte of any of its files is changed", async () => {
    const dir = await bundle();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...FILES),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (name, at, flip) => {
          const path = join(dir, name);
          const original = readFileSync(path);
          const changed = Buffer.from(original);
          changed[at % changed.length]! ^= flip;
          writeFileSync(path, changed);
          await expect(readBundle(dir)).rejects.toMatchObject({
            code: expect.stringMatching(/^bundle\.(hash_mismatch|not_a_bundle|newer_format)$/),
            remedy: expect.any(String),
          });
          writeFileSync(path, original);
        },
      ),
      { numRuns: 150 },
    );
    await readBundle(dir);
  });

  it.each(FILES.filter((name) => name !== "manifest.json"))("is refused without its %s", async (name) => {
    const dir = await bundle();
    rmSync(join(dir, name));
    await expect(readBundle(dir)).rejects.toMatchObject({ code: "bundle.file_missing", details: { file: name } });
  });

  it("is refused where a file has become a link, even to the same content", async () => {
    const dir = await bundle();
    const away = join(folder(), "model.onnx");
    renameSync(join(dir, "model.onnx"), away);
    symlinkSync(away, join(dir, "model.onnx"));
    await expect(readBundle(dir)).rejects.toMatchObject({ code: "bundle.unsafe_file" });
  });

  it("is refused when its manifest names a file outside, however well it hashes", async () => {
    const dir = await bundle();
    const path = join(dir, "manifest.json");
    const { sha256: _, ...manifest } = JSON.parse(readFileSync(path, "utf8")) as Record<string, object>;
    const body = { ...manifest, files: { ...manifest.files, "../secret": { sha256: "0".repeat(64), bytes: 1 } } };
    const whole = { ...body, sha256: sha256(JSON.stringify(body, null, 2)) };
    writeFileSync(path, `${JSON.stringify(whole, null, 2)}\n`);
    await expect(readBundle(dir)).rejects.toMatchObject({ code: "bundle.not_a_bundle" });
  });

  it("of a newer format is refused as such", async () => {
    const dir = await bundle();
    writeFileSync(join(dir, "manifest.json"), '{"format": 2, "anything": true}\n');
    await expect(readBundle(dir)).rejects.toMatchObject({ code: "bundle.newer_format", details: { got: 2 } });
  });

  it.each([
    ["an empty folder", () => folder()],
    ["a folder that does not exist", () => join(folder(), "nothing")],
    [
      "a folder with another manifest",
      () => {
        const dir = folder();
        writeFileSync(join(dir, "manifest.json"), '{"name": "my app"}');
        return dir;
      },
    ],
    [
      "a folder whose manifest is a folder",
      () => {
        const dir = folder();
        mkdirSync(join(dir, "manifest.json"));
        return dir;
      },
    ],
  ])("is not %s", async (_name, make) => {
    await expect(readBundle(make())).rejects.toMatchObject({
      code: expect.stringMatching(/^bundle\.(not_a_bundle|unsafe_file)$/),
      remedy: expect.any(String),
    });
  });
});

describe("writing a bundle", () => {
  it("does not touch a folder that holds something else", async () => {
    const dir = folder();
    writeFileSync(join(dir, "thesis.txt"), "years of work");
    await expect(writeBundle(dir, spec())).rejects.toMatchObject({ code: "bundle.folder_taken" });
    expect(readdirSync(dir)).toEqual(["thesis.txt"]);
  });

  it("leaves nothing when a source is missing", async () => {
    const parent = folder();
    const files = { "model.onnx": { path: join(parent, "none.onnx") }, "model.ubj": { text: "native" } };
    await expect(writeBundle(join(parent, "b"), spec({ files }))).rejects.toMatchObject({ code: "io.write_failed" });
    expect(readdirSync(parent)).toEqual([]);
  });

  it("keeps the earlier bundle when the new one fails", async () => {
    const dir = await bundle();
    await expect(writeBundle(dir, spec({ files: {} }))).rejects.toMatchObject({ code: "bundle.not_a_bundle" });
    expect((await readBundle(dir)).manifest.seed).toBe(7);
    expect(readdirSync(dirname(dir))).toEqual(["xgboost_MES_h20"]);
  });

  it.each(["../escape", "a/b", ".hidden", "manifest.json"])("refuses a file named %s", async (name) => {
    const files = { ...spec().files, [name]: { text: "x" } };
    await expect(writeBundle(join(folder(), "b"), spec({ files }))).rejects.toMatchObject({
      code: "bundle.unsafe_file",
    });
  });

  it("copies a bundle byte for byte", async () => {
    const dir = await bundle();
    const copy = join(folder(), "deep", "copy");
    await copyBundle(await readBundle(dir), copy);
    for (const name of FILES) expect(readFileSync(join(copy, name))).toEqual(readFileSync(join(dir, name)));
  });

  it("takes the plain files that a plug-in saved, and refuses folders among them", () => {
    const dir = folder();
    writeFileSync(join(dir, "weights.json"), "{}");
    expect(bundleSources(dir)).toEqual({ "weights.json": { path: join(dir, "weights.json") } });
    mkdirSync(join(dir, "more"));
    expect(() => bundleSources(dir)).toThrow(expect.objectContaining({ code: "bundle.unsafe_file" }));
  });
});
