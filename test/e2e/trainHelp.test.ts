/** Every command explains itself. */
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { foldwise } from "./cli.js";

const cwd = tmpdir();
/** Grows with the commands: the first test compares it with what `--help` lists. */
const COMMANDS = [
  "try",
  "prepare",
  "train",
  "cv",
  "tune",
  "predict",
  "runs",
  "report",
  "audit",
  "resume",
  "models",
  "doctor",
  "demo-data",
  "demo",
];

it("foldwise --help lists the commands, and nothing that is not built", async () => {
  const { code, stdout } = await foldwise(["--help"], { cwd });
  expect(code).toBe(0);
  const listed = [...stdout.matchAll(/^ {2}([a-z][a-z-]*)\b/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== "help");
  expect([...new Set(listed)].sort()).toEqual([...COMMANDS].sort());
});

describe("--help", () => {
  it.each(COMMANDS)("of %s says what it does, with an example and the flags of every command", async (command) => {
    const { code, stdout, stderr } = await foldwise([command, "--help"], { cwd });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^Examples?:\n {2}foldwise /m);
    expect(stdout).toContain(`foldwise ${command}`);
    for (const flag of ["--json", "--quiet", "--verbose"]) expect(stdout).toContain(flag);
  });
});

it("an unknown command is refused with the nearest name", async () => {
  const { code, stderr } = await foldwise(["trian"], { cwd });
  expect(code).toBe(2);
  expect(stderr).toMatch(/train/);
});
