/** What the built `predict` says to bundles that were damaged, changed or forged, and to rows that do not fit them. */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emptyFolder, foldwise } from "./cli.js";
import { readJson, succeeds } from "./fixture.js";
import { duck, eachOf, expectRefusal, filesBelow } from "./refusal.js";
import { warm } from "./warm.js";

let cwd: string;
let bundle: string;
beforeAll(async () => {
  cwd = emptyFolder();
  await succeeds(["demo-data", "--bars", "1500", "--out", "bars.csv"], { cwd });
  const features = "features.include=[log_return_*, body_ratio, close_location]";
  await succeeds(
    ["prepare", "bars.csv", "--symbol", "MES", "--bar-time", "close", "--horizons", "5", "--set", features],
    { cwd },
  );
  await succeeds(["train", "--model", "logistic", "--symbol", "MES", "--horizon", "5", "--run-id", "r"], { cwd });
  bundle = join(cwd, "experiments", "runs", "r", "models", "logistic_MES_h5");
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

let copies = 0;
/** A copy of the bundle to spoil. */
function copy(): string {
  const dir = join(cwd, `copy${copies++}`);
  cpSync(bundle, dir, { recursive: true });
  return dir;
}

const call = (dir: string, args: string[]): string[] => ["predict", "--model-dir", dir, ...args];
const predict = (dir: string, ...args: string[]) => foldwise(call(dir, args), { cwd });

/** Predicts from bars and expects a refusal; no output file, whole or half, may be there. */
async function refused(dir: string, patterns: RegExp[], ...args: string[]): Promise<void> {
  const out = `out${copies++}`;
  const source = args.length > 0 ? args : ["--bars", "bars.csv"];
  expectRefusal(await warm(call(dir, [...source, "--out", join(out, "p.csv")]), { cwd }), patterns);
  expect(filesBelow(join(cwd, out))).toEqual([]);
}

const hash = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** What a forger can do, who knows how manifests are sealed: changes the manifest and seals it again, with the hashes of the files there. */
function forge(dir: string, change: (manifest: Record<string, unknown>) => void = () => {}): void {
  const path = join(dir, "manifest.json");
  const { sha256: _, ...manifest } = readJson(path);
  const files = manifest.files as Record<string, { sha256: string; bytes: number }>;
  for (const name of Object.keys(files)) {
    if (!existsSync(join(dir, name))) continue;
    const bytes = readFileSync(join(dir, name));
    files[name] = { sha256: hash(bytes), bytes: bytes.length };
  }
  change(manifest);
  const body = JSON.stringify(manifest, null, 2);
  writeFileSync(path, `${JSON.stringify({ ...manifest, sha256: hash(body) }, null, 2)}\n`);
}

function changePipeline(dir: string, change: (pipeline: Record<string, unknown>) => void): void {
  const path = join(dir, "pipeline.json");
  const pipeline = readJson(path);
  change(pipeline);
  writeFileSync(path, JSON.stringify(pipeline));
  forge(dir);
}

describe("predict refuses a bundle", () => {
  it("of which any file has one byte changed", async () => {
    const names = readdirSync(bundle);
    expect(names).toEqual(expect.arrayContaining(["manifest.json", "model.onnx", "pipeline.json", "config.yaml"]));
    await eachOf(names, 2, async (name) => {
      const dir = copy();
      const bytes = readFileSync(join(dir, name));
      bytes[bytes.length >> 1]! ^= 1;
      writeFileSync(join(dir, name), bytes);
      await refused(dir, [new RegExp(name), /changed after|not a JSON|not a bundle's manifest/]);
    });
  });

  it("of which any file is missing", async () => {
    await eachOf(readdirSync(bundle), 2, async (name) => {
      const dir = copy();
      rmSync(join(dir, name));
      await refused(dir, [new RegExp(name), /missing|has no/]);
    });
  });

  it("of which a file is a link, even to the same bytes", async () => {
    const dir = copy();
    renameSync(join(dir, "model.onnx"), join(cwd, "elsewhere.onnx"));
    symlinkSync(join(cwd, "elsewhere.onnx"), join(dir, "model.onnx"));
    await refused(dir, [/model\.onnx is not a plain file/, /copy the real files/]);
  });

  it("whose graph is another valid one", async () => {
    const dir = copy();
    cpSync(
      join("test", "fixtures", "onnx", readdirSync(join("test", "fixtures", "onnx"))[0]!),
      join(dir, "model.onnx"),
    );
    await refused(dir, [/model\.onnx was changed after the bundle was written/]);
    forge(dir);
    await refused(dir, [/graph|output|input/]);
  });

  it("whose graph never answers", async () => {
    const dir = copy();
    cpSync(join("test", "fixtures", "onnx", "loop.onnx"), join(dir, "model.onnx"));
    forge(dir);
    await refused(dir, [/uses the operator Loop; such a graph is not run/, /Use a bundle that Foldwise wrote/]);
  });

  it("whose graph is none", async () => {
    const dir = copy();
    writeFileSync(join(dir, "model.onnx"), "no graph");
    forge(dir);
    await refused(dir, [/graph/]);
  });

  it("of a newer format", async () => {
    const dir = copy();
    forge(dir, (manifest) => {
      manifest.format = 2;
    });
    await refused(dir, [/format 2/, /Update Foldwise/]);
  });

  it("whose manifest misses a key, in words", async () => {
    const dir = copy();
    forge(dir, (manifest) => {
      delete manifest.seed;
      manifest.horizon = "soon";
    });
    await refused(dir, [/manifest: horizon is "soon", which it cannot be; seed is missing\./]);
  });

  it("whose manifest leads out of its folder", async () => {
    const dir = copy();
    forge(dir, (manifest) => {
      Object.assign(manifest.files as object, { "../../../../../../etc/passwd": { sha256: hash(""), bytes: 1 } });
    });
    await refused(dir, [/not a bundle's manifest/]);
  });

  const manifests: [what: string, text: string][] = [
    ["is empty", ""],
    ["is a list", "[]"],
    ["is null", "null"],
    ["is another JSON object", '{"format":1}'],
    ["has a format beyond all numbers", '{"format":1e999}'],
    ["is nested without end", `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
    ["names a prototype", '{"__proto__":{"format":1},"constructor":{"prototype":{"x":1}}}'],
  ];
  it.each(manifests)("whose manifest %s", async (_, text) => {
    const dir = copy();
    writeFileSync(join(dir, "manifest.json"), text);
    await refused(dir, [/manifest\.json/]);
  });

  it("that is none: an empty folder, a file, nothing, a run", async () => {
    mkdirSync(join(cwd, "empty"));
    await eachOf(["empty", "bars.csv", "nowhere", join("experiments", "runs", "r")], 2, (dir) =>
      refused(dir, [/is not a bundle/, /Name the folder of one model/]),
    );
  });
});

describe("a bundle's pipeline from a stranger", () => {
  it("runs no code that it names, unless its user names it too", async () => {
    const dir = copy();
    const marker = join(cwd, "ran");
    writeFileSync(
      join(cwd, "plugin.mjs"),
      `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(marker)}, "");
       export default { name: "mine", formula: "0", lookback: 1, create: () => ({ push: () => 0 }) };`,
    );
    changePipeline(dir, ({ features }) => {
      Object.assign(features as object, { plugins: [join(cwd, "plugin.mjs")] });
    });
    await refused(dir, [/plugin\.mjs/, /code/, /--feature-plugin/]);
    expect(existsSync(marker)).toBe(false);
    const trusted = await predict(dir, "--bars", "bars.csv", "--out", "trusted.csv", "--feature-plugin", "plugin.mjs");
    expect(trusted.code, trusted.stderr).toBe(0);
    expect(existsSync(marker)).toBe(true);
  });

  const changes: [what: string, change: (pipeline: Record<string, unknown>) => void][] = [
    ["has a feature that no version has", ({ features }) => Object.assign(features as object, { names: ["rsi_15x"] })],
    ["has parameters of a wrong type", ({ features }) => Object.assign(features as object, { config: { groups: 7 } })],
    ["has another version", (pipeline) => Object.assign(pipeline, { version: 99 })],
    ["has a time zone that does not exist", (pipeline) => Object.assign(pipeline, { time_zone: "Mars/Olympus" })],
    [
      "has a million features",
      ({ features }) => Object.assign(features as object, { names: Array.from({ length: 1e6 }, (_, j) => `f${j}`) }),
    ],
    [
      "has a feature a million times",
      ({ features }) => {
        const { names } = features as { names: string[] };
        Object.assign(features as object, { names: Array(1e6).fill(names[0]) });
      },
    ],
    [
      "has more timeframes than a day",
      ({ features }) => {
        const { config } = features as { config: object };
        Object.assign(config, { timeframes: Array(100_000).fill("15m") });
      },
    ],
    ["has a step that no number holds", (pipeline) => Object.assign(pipeline, { step: -1e308 })],
  ];
  it.each(changes)("is refused where it %s", async (_, change) => {
    const dir = copy();
    changePipeline(dir, change);
    await refused(dir, [/error: /]);
  });

  it("is refused where it is no JSON", async () => {
    const dir = copy();
    writeFileSync(join(dir, "pipeline.json"), '{"version": 1');
    forge(dir);
    await refused(dir, [/pipeline\.json/, /train the model again/]);
  });
});

describe("rows for a bundle", () => {
  const rows = (): string => join(cwd, "data", "datasets", "MES.parquet");
  const select = (name: string, columns: string): string =>
    `COPY (SELECT ${columns} FROM '${rows()}' ORDER BY timestamp) TO '${join(cwd, name)}' (FORMAT parquet)`;

  it("are matched by name: missing and extra features are refused by name, another order is not", async () => {
    await duck(
      select("missing.parquet", "* EXCLUDE (body_ratio)"),
      select("extra.parquet", "*, 1.0 AS surplus, 2.0 AS more"),
      select("renamed.parquet", "* EXCLUDE (body_ratio), body_ratio AS body_ratio_2"),
      select("permuted.parquet", "close_location, body_ratio, * EXCLUDE (close_location, body_ratio)"),
      select(
        "infinite.parquet",
        "* REPLACE (CASE WHEN row_number() OVER () = 42 THEN 'inf'::FLOAT ELSE body_ratio END AS body_ratio)",
      ),
      select("none.parquet", "* EXCLUDE (timestamp)"),
    );
    await refused(bundle, [/missing: body_ratio\./], "--data", "missing.parquet");
    await refused(bundle, [/not known to the model: surplus, more\./], "--data", "extra.parquet");
    await refused(
      bundle,
      [/missing: body_ratio; /, /not known to the model: body_ratio_2\./],
      "--data",
      "renamed.parquet",
    );
    await refused(bundle, [/row 42\b/, /body_ratio/, /infinite/], "--data", "infinite.parquet");
    await refused(bundle, [/timestamp/], "--data", "none.parquet");
    for (const [file, out] of [
      [rows(), "a.csv"],
      ["permuted.parquet", "b.csv"],
    ] as const) {
      expect((await predict(bundle, "--data", file, "--out", out)).code).toBe(0);
    }
    expect(readFileSync(join(cwd, "b.csv"), "utf8")).toBe(readFileSync(join(cwd, "a.csv"), "utf8"));
  });

  it("come from one place", async () => {
    const both = ["--bars", "bars.csv", "--data", "data/datasets", "--symbol", "MES"];
    expectRefusal(await predict(bundle, "--out", "n.csv"), [/exactly one of --data and --bars/]);
    await refused(bundle, [/exactly one of --data and --bars/], ...both);
    const part = ["--part", "test"];
    await refused(bundle, [/--part test has no meaning.*bars\.csv/, /data folder/], "--bars", "bars.csv", ...part);
    await refused(bundle, [/--part test has no meaning/], "--data", "data/datasets/MES.parquet", ...part);
    await refused(bundle, [/--symbol MES/], "--data", "data/datasets");
    await refused(bundle, [/MGC/, /there are: MES/], "--data", "data/datasets", "--symbol", "MGC");
    await refused(bundle, [/no such file/], "--data", "nothing.parquet");
  });

  it("of another bar length are refused", async () => {
    await succeeds(["demo-data", "--bars", "1500", "--bar", "1m", "--out", "minutes.csv"], { cwd });
    await refused(bundle, [/step of 1 minutes/, /5 minutes/], "--bars", "minutes.csv");
  });

  it("are written whole or not at all: what cannot be written is said, and what stood there stays", async () => {
    mkdirSync(join(cwd, "folder.csv"));
    writeFileSync(join(cwd, "folder.csv", "kept"), "");
    for (const out of ["/proc/p.csv", "bars.csv/p.csv", "folder.csv"]) {
      const result = await predict(bundle, "--bars", "bars.csv", "--out", out);
      expectRefusal(result, [/Could not write/, /permissions/], 1);
    }
    expect(readdirSync(join(cwd, "folder.csv"))).toEqual(["kept"]);
    expectRefusal(await predict(bundle, "--bars", "bars.csv", "--out", "p.txt"), [/p\.txt/, /\.parquet or \.csv/]);
    expect(filesBelow(cwd).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });
});
