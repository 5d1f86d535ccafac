import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CHECKOUT } from "./checkout.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A checkout with a source of one line; its node_modules and .venv are those of this one. */
let checkout: string;
/** The same without .venv. */
let bare: string;

beforeAll(() => {
  checkout = smallCheckout();
  symlinkSync(join(ROOT, ".venv"), join(checkout, ".venv"), "dir");
  bare = smallCheckout();
});
afterAll(() => {
  for (const folder of [checkout, bare]) rmSync(folder, { recursive: true, force: true });
});

function smallCheckout(): string {
  const folder = mkdtempSync(join(tmpdir(), "foldwise-setup-"));
  for (const path of CHECKOUT) {
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
  cpSync(join(ROOT, "engine", "locks"), join(folder, "engine", "locks"), { recursive: true });
  mkdirSync(join(folder, "src", "cli"), { recursive: true });
  writeFileSync(join(folder, "src", "cli", "main.ts"), "export const built = 1;\n");
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"), "dir");
  return folder;
}

/** Runs a script with no npm on the path: what would install something fails instead. */
function script(folder: string, args: string[], env: Record<string, string> = {}) {
  const PATH = join(folder, "nothing-here");
  const began = Date.now();
  const { status, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: "utf8",
    // This .venv may be without torch; engines.test.ts installs it, in small.
    env: { ...process.env, PATH, FOLDWISE_ENGINES: "tabular", ...env },
  });
  return { status, stderr, seconds: (Date.now() - began) / 1000 };
}
const setup = (folder: string, env: Record<string, string> = {}) =>
  script(folder, [join(folder, "scripts", "setup.mjs"), "--dev"], env);

describe("set-up", () => {
  it("does what is missing, then nothing, in under two seconds", () => {
    const first = setup(checkout);
    expect(first.stderr).toMatch(/✓ building dist[\s\S]*Set-up done in/);
    expect(first.status).toBe(0);
    const second = setup(checkout);
    expect(second.stderr).toMatch(/^Set-up: nothing to do/);
    expect(second.status).toBe(0);
    expect(second.seconds).toBeLessThan(2);
  });

  it("builds again when a source changes, and takes away what a source that is gone has left", () => {
    const source = join(checkout, "src", "later.ts");
    const built = join(checkout, "dist", "later.js");
    writeFileSync(source, "export const later = 2;\n");
    expect(setup(checkout).stderr).toContain("building dist");
    expect(existsSync(built)).toBe(true);
    rmSync(source);
    expect(setup(checkout).stderr).toContain("building dist");
    expect(existsSync(built)).toBe(false);
    expect(existsSync(built.replace(".js", ".d.ts"))).toBe(false);
  });

  it("says what does not compile, and does not take it for built", () => {
    const source = join(checkout, "src", "broken.ts");
    writeFileSync(source, 'export const broken: number = "text";\n');
    const { status, stderr } = setup(checkout);
    expect(stderr).toMatch(/✗ building dist[\s\S]*The build failed[\s\S]*src\/broken\.ts/);
    expect(status).toBe(1);
    expect(setup(checkout).status).toBe(1);
    rmSync(source);
    expect(setup(checkout).status).toBe(0);
  });
});

describe("FOLDWISE_PYTHON", () => {
  const installer = (env: Record<string, string>) =>
    script(bare, [join(bare, "scripts", "install-engines.mjs"), join(bare, "venv"), "base"], env);

  it("that does not exist: exit code 2, and what to do", () => {
    const env = { FOLDWISE_PYTHON: join(bare, "no-python") };
    for (const { status, stderr } of [setup(bare, env), installer(env)]) {
      expect(stderr).toMatch(/No Python 3\.11, 3\.12 or 3\.13 was found \(.*no-python does not run\)/);
      expect(stderr).toContain("FOLDWISE_PYTHON=");
      expect(status).toBe(2);
    }
  });

  it("that is too old: exit code 2, and its version", () => {
    const old = join(bare, "old-python");
    writeFileSync(old, `#!${process.execPath}\nconsole.log("3.9 /usr/bin/python3.9");\n`);
    chmodSync(old, 0o755);
    const { status, stderr } = setup(bare, { FOLDWISE_PYTHON: old });
    expect(stderr).toMatch(/No Python 3\.11, 3\.12 or 3\.13 was found \(.*old-python is 3\.9\)/);
    expect(status).toBe(2);
    expect(existsSync(join(bare, ".venv"))).toBe(false);
  });
});
