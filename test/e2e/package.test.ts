/** The npm package as strangers meet it: what the tarball holds, and a project that installs it and does what the README says. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocks, guides } from "../docs/guides.js";
import { ROOT } from "./cli.js";

/** Everything that may ship. */
const MAY_SHIP = [
  /^(LICENSE|README\.md|CHANGELOG\.md|package\.json)$/,
  /^bin\/foldwise$/,
  /^config\/(.+\.yaml|calendars\/.+\.csv)$/,
  /^dist\/.+\.(js|d\.ts)$/,
  /^docs\/.+\.(md|schema\.json)$/,
  /^engine\/foldwise_engine\/(.+\.py|py\.typed)$/,
  /^engine\/locks\/.+\.(in|txt)$/,
  /^engine\/pyproject\.toml$/,
  /^examples\/.+\.(md|csv|js|py)$/,
  /^scripts\/(install-engines|lib\/(install|python|steps))\.mjs$/,
];
const MUST_SHIP = [
  "bin/foldwise",
  "dist/index.js",
  "dist/index.d.ts",
  "dist/cli/main.js",
  "config/training.yaml",
  "config/models/xgboost.yaml",
  "config/symbols.yaml",
  "config/calendars/cme_equity.csv",
  "engine/foldwise_engine/__main__.py",
  "engine/foldwise_engine/py.typed",
  "engine/locks/base.txt",
  "engine/locks/neural.txt",
  "engine/locks/uv.txt",
  "scripts/install-engines.mjs",
  "docs/guides/MODEL_INTEGRATION_GUIDE.md",
  "docs/schemas/training.schema.json",
  "examples/data/sp500_daily.csv",
  "examples/data/README.md",
  "LICENSE",
];
const MIB = 2 ** 20;
/** Seconds where npm and uv have their caches; without them a gigabyte is downloaded. */
const INSTALL_MS = 900_000;

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

let scratch: string;
let project: string;
let tarball: { filename: string; size: number; unpackedSize: number; files: { path: string }[] };
const installed = (...parts: string[]): string => join(project, "node_modules", "foldwise", ...parts);

/** As in a shell of the project. Python may keep bytecode there, and no interpreter is named, unless `env` says otherwise. */
function run(file: string, args: readonly string[], cwd = project, env: Record<string, string> = {}): Promise<Ended> {
  const { PYTHONDONTWRITEBYTECODE: _, FOLDWISE_PYTHON: __, ...inherited } = process.env;
  const options = { cwd, env: { ...inherited, ...env }, maxBuffer: 64 * MIB, shell: process.platform === "win32" };
  return new Promise((resolve) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

/** `npx foldwise …` */
const npx = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  run("npx", ["foldwise", ...args], project, env);

async function succeeds(args: readonly string[]): Promise<Ended> {
  const ended = await npx(args);
  expect(ended.code, `npx foldwise ${args.join(" ")}\n${ended.stdout}\n${ended.stderr}`).toBe(0);
  return ended;
}

/** Names, sizes, times and contents of everything in the installed package. */
function fingerprint(): string[] {
  return readdirSync(installed(), { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const stat = lstatSync(installed(name));
      const content = stat.isFile()
        ? createHash("sha256")
            .update(readFileSync(installed(name)))
            .digest("hex")
        : "";
      return `${name} ${stat.mtimeMs} ${content}`;
    });
}

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "foldwise-package-"));
  project = join(scratch, "project");
  mkdirSync(project);
  const packed = await run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", scratch], ROOT);
  expect(packed.code, packed.stderr).toBe(0);
  // npm 12 answers with an object by name, those before it with a list.
  tarball = Object.values(JSON.parse(packed.stdout) as Record<string, typeof tarball>)[0]!;
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("the tarball", () => {
  it("holds the product and nothing of the workshop", () => {
    const shipped = tarball.files.map(({ path }) => path);
    expect(shipped.filter((path) => !MAY_SHIP.some((pattern) => pattern.test(path)))).toEqual([]);
    expect(shipped.filter((path) => /__pycache__|(^|\/)tests?\//.test(path))).toEqual([]);
    expect(shipped).toEqual(expect.arrayContaining(MUST_SHIP));
  });

  it("is small: under 1 MiB, and 4 MiB unpacked", () => {
    expect(tarball.size).toBeLessThan(MIB);
    expect(tarball.unpackedSize).toBeLessThan(4 * MIB);
  });
});

describe("a project that installs it", () => {
  let before: string[];
  beforeAll(async () => {
    await run("npm", ["init", "-y"]);
    const args = ["install", "--prefer-offline", "--no-audit", "--no-fund", join(scratch, tarball.filename)];
    const npm = await run("npm", args, project, { ONNXRUNTIME_NODE_INSTALL: "skip" });
    if (npm.code !== 0)
      throw new Error(`The package could not be installed; is npm's registry within reach?\n${npm.stderr}`);
    // As where another user has installed it.
    await run("chmod", ["-R", "a-w", installed()]);
    before = fingerprint();
  }, INSTALL_MS);
  afterAll(() => run("chmod", ["-R", "u+w", installed()]));

  it("gets no path of the machine that made it, and no address but those of licences, schemas and the sources that guides name", () => {
    const texts = tarball.files.map(({ path }) => [path, readFileSync(installed(path), "utf8")] as const);
    const hosts = texts.flatMap(([path, text]) =>
      [...text.matchAll(/https?:\/\/([^/\s"'`)>]+)/g)].map(([, host]) => [path, host!] as const),
    );
    expect(texts.filter(([, text]) => text.includes(ROOT) || text.includes(`${homedir()}/`))).toEqual([]);
    const allowed = (path: string): string[] => [
      ...["json-schema.org", "www.apache.org"],
      ...(path.startsWith("docs/guides/") ? ["github.com"] : []),
    ];
    expect(hosts.filter(([path, host]) => !allowed(path).includes(host))).toEqual([]);
  });

  it("is told by `doctor` that the engines are missing, and the command that brings them", async () => {
    const { code, stdout } = await npx(["doctor"]);
    expect(stdout).toMatch(/^ok +onnxruntime-node/m);
    expect(stdout).toMatch(/^MISSING +python .*Run `foldwise doctor --install`\./m);
    expect(stdout).toContain("The command is typed npx foldwise here.");
    expect(code).toBe(1);
    const models = await succeeds(["models"]);
    expect(models.stdout).toMatch(/xgboost.*foldwise doctor --install/);
  });

  it("is told what a wrong FOLDWISE_PYTHON lacks", async () => {
    const { code, stderr } = await npx(["doctor", "--install"], { FOLDWISE_PYTHON: join(scratch, "no-python") });
    expect(stderr).toContain("No Python 3.11, 3.12 or 3.13 was found");
    expect(code).toBe(2);
  });

  it(
    "gets the engines into .foldwise/venv from the locks of the package",
    async () => {
      // Where the machine's Python has to be named, it is that one.
      const { FOLDWISE_PYTHON } = process.env;
      const named = FOLDWISE_PYTHON === undefined ? {} : { FOLDWISE_PYTHON };
      // Without half a minute of compiling what is imported a few times.
      const env = { ...named, UV_COMPILE_BYTECODE: "0" };
      const { code, stdout, stderr } = await npx(["doctor", "--install"], env);
      expect(code, `The engines could not be installed; is pip's registry within reach?\n${stderr}`).toBe(0);
      expect(stdout).toMatch(/^ok +engine worker/m);
      expect(stdout).toMatch(/^absent +torch \(neural, optional\) .*`foldwise doctor --install neural`/m);
      expect(stdout).toContain(join(".foldwise", "venv"));
      expect(existsSync(join(project, ".foldwise", "venv"))).toBe(true);
    },
    INSTALL_MS,
  );

  it("makes bars, prepares, trains and predicts", async () => {
    await succeeds(["demo-data", "--symbol", "MES", "--bars", "3000", "--out", "bars.csv"]);
    await succeeds(["prepare", "bars.csv", "--symbol", "MES", "--bar-time", "close"]);
    await succeeds(["train", "--model", "logistic", "--symbol", "MES", "--horizon", "20", "--run-id", "r"]);
    const bundle = join("experiments", "runs", "r", "models", "logistic_MES_h20");
    await succeeds(["predict", "--model-dir", bundle, "--bars", "bars.csv", "--out", "predictions.csv"]);
    expect(readFileSync(join(project, "predictions.csv"), "utf8").split("\n").length).toBeGreaterThan(2000);
  });

  it.each([
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])("compiles the README's TypeScript strictly (module %s, moduleResolution %s)", async (module, moduleResolution) => {
    const readme = guides().find(({ path }) => path === "README.md")!;
    writeFileSync(join(project, "api.mts"), blocks(readme, "ts")[0]!);
    const options = { strict: true, skipLibCheck: false, target: "es2022", module, moduleResolution, outDir: "built" };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["api.mts"] }));
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    expect(await run(process.execPath, [tsc, "-p", "."])).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  it("runs what was compiled", async () => {
    expect(await run(process.execPath, [join("built", "api.mjs")])).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(join(project, "bundles", "mes_h20", "model.onnx"))).toBe(true);
  });

  it("has had nothing written into the package by all that", () => {
    expect(fingerprint()).toEqual(before);
  });
});
