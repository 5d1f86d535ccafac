import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

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
  /^scripts\/(install-engines|lib\/python|lib\/steps)\.mjs$/,
];

let scratch: string;
/** Paths in the tarball. */
let shipped: string[];
/** The package as a project has it in node_modules. */
let installed: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "foldwise-pack-"));
  const options = { cwd: ROOT, encoding: "utf8", shell: process.platform === "win32" } as const;
  const packed = spawnSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", scratch], options);
  const answer = JSON.parse(packed.stdout) as unknown;
  // npm 12 answers with an object by name, those before it with a list.
  const [tarball] = Object.values(answer as Record<string, { filename: string; files: { path: string }[] }>);
  shipped = tarball!.files.map(({ path }) => path);
  spawnSync("tar", ["-xzf", join(scratch, tarball!.filename), "-C", scratch]);
  const modules = join(scratch, "project", "node_modules");
  mkdirSync(modules, { recursive: true });
  installed = join(modules, "foldwise");
  renameSync(join(scratch, "package"), installed);
  symlinkSync(join(ROOT, "node_modules"), join(installed, "node_modules"), "dir");
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const foldwise = (args: string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [join(installed, "bin", "foldwise"), ...args], {
    cwd: join(scratch, "project"),
    encoding: "utf8",
    env: { ...process.env, ...env },
  });

describe("the npm package", () => {
  it("ships the product and nothing of the workshop", () => {
    expect(shipped.filter((path) => !MAY_SHIP.some((pattern) => pattern.test(path)))).toEqual([]);
    expect(shipped.filter((path) => /__pycache__|(^|\/)tests?\//.test(path))).toEqual([]);
  });

  it("ships what the command, the engines and the demo need", () => {
    expect(shipped).toEqual(
      expect.arrayContaining([
        "bin/foldwise",
        "dist/index.js",
        "dist/index.d.ts",
        "dist/cli/main.js",
        "config/training.yaml",
        "config/models/xgboost.yaml",
        "engine/foldwise_engine/__main__.py",
        "engine/foldwise_engine/py.typed",
        "engine/locks/base.txt",
        "engine/locks/uv.txt",
        "scripts/install-engines.mjs",
        "docs/guides/MODEL_INTEGRATION_GUIDE.md",
        "examples/data/sp500_daily.csv",
        "examples/data/README.md",
        "LICENSE",
      ]),
    );
  });

  it("runs from node_modules, without a checkout around it", () => {
    const help = foldwise(["--help"]);
    expect(help.status).toBe(0);
    expect(help.stdout).toContain("prepare");
    const models = foldwise(["models"]);
    expect(models.status).toBe(0);
    expect(models.stdout).toMatch(/xgboost.*foldwise doctor --install/);
  });

  it("finds its installer, which names what it lacks", () => {
    const { status, stderr } = foldwise(["doctor", "--install"], { FOLDWISE_PYTHON: join(scratch, "no-python") });
    expect(stderr).toContain("No Python 3.11, 3.12 or 3.13 was found");
    expect(status).toBe(2);
  });
});
