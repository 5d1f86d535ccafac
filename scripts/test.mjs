#!/usr/bin/env node
/** `npm test`: set-up (timed apart), then every check and every test of both languages; last line `N passed, N failed`. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { venvPython } from "./lib/python.mjs";
import { ensureSetup, runScript } from "./lib/setup.mjs";
import { ROOT, run, say } from "./lib/steps.mjs";

const python = venvPython(join(ROOT, ".venv"));
const local = (...parts) => join(ROOT, "node_modules", ...parts);
const scratch = mkdtempSync(join(tmpdir(), "foldwise-test-"));

/** A check that passes or fails as a whole. */
const check = (title, command, args, cwd = ROOT) => ({
  title,
  run: async () => {
    const { code, output } = await run(command, args, { capture: true, cwd });
    if (code !== 0) process.stdout.write(output);
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 };
  },
});

const engine = join(ROOT, "engine");
const suites = [
  check("formatting, lint and import directions (biome)", process.execPath, [
    local("@biomejs", "biome", "bin", "biome"),
    "ci",
    "--error-on-warnings",
    ".",
  ]),
  check("types (tsc)", process.execPath, [local("typescript", "bin", "tsc"), "--noEmit", "-p", "tsconfig.json"]),
  check("Python lint (ruff)", python, ["-m", "ruff", "check", "."], engine),
  check("Python formatting (ruff)", python, ["-m", "ruff", "format", "--check", "."], engine),
  check("Python types (mypy)", python, ["-m", "mypy", ...mypyOptions(), "."], engine),
  { title: "TypeScript tests (vitest)", run: vitest },
  { title: "Python tests (pytest)", run: pytest },
];

/** Where torch is left out, its classes are unknown to mypy: what it says of them is left out too. */
function mypyOptions() {
  if (process.env.FOLDWISE_ENGINES !== "tabular") return [];
  const lenient = ["--allow-subclassing-any", "--allow-untyped-decorators", "--no-warn-return-any"];
  return [...lenient, "--no-warn-unused-ignores", "--disable-error-code=import-not-found"];
}

async function vitest() {
  const file = join(scratch, "vitest.json");
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const { code } = await run(process.execPath, [local("vitest", "vitest.mjs"), ...args]);
  return counted(code, () => {
    const report = JSON.parse(readFileSync(file, "utf8"));
    // A file that cannot be loaded has no tests of its own to fail.
    const broken = report.testResults.filter(
      (suite) => suite.status === "failed" && suite.assertionResults.length === 0,
    );
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + broken.length,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  });
}

async function pytest() {
  const file = join(scratch, "pytest.xml");
  const { code } = await run(python, ["-m", "pytest", "-q", `--junitxml=${file}`], { cwd: engine });
  return counted(code, () => {
    const suite = /<testsuite [^>]*>/.exec(readFileSync(file, "utf8"))?.[0] ?? "";
    const count = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = count("failures") + count("errors");
    return { passed: count("tests") - failed - count("skipped"), failed, skipped: count("skipped") };
  });
}

/** A runner that fails without naming a failed test, or leaves no report, counts as one failure. */
function counted(code, read) {
  try {
    const counts = read();
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}

await runScript(async () => {
  await ensureSetup({ dev: true });
  const start = Date.now();
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const suite of suites) {
    const began = Date.now();
    say(`\n── ${suite.title}`);
    const counts = await suite.run();
    for (const key of Object.keys(total)) total[key] += counts[key];
    const verdict = counts.failed > 0 ? "FAILED" : "ok";
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    say(`── ${suite.title}: ${verdict}, ${counts.passed} passed${skipped} (${seconds} s)`);
  }
  rmSync(scratch, { recursive: true, force: true });
  say(`\nAll checks and tests: ${((Date.now() - start) / 1000).toFixed(0)} s after set-up.`);
  if (process.env.FOLDWISE_ENGINES === "tabular")
    say("Without torch (FOLDWISE_ENGINES=tabular): its tests are skipped.");
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
  process.stdout.write(`${total.passed} passed, ${total.failed} failed${skipped}\n`);
  return total.failed > 0 ? 1 : 0;
});
