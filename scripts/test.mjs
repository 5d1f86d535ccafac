#!/usr/bin/env node
/**
 * `npm test`: set-up (timed apart), then every check and every test of both languages; last line `N passed, N failed`.
 * Two lanes: the checks, the Python tests and those that need no process of their own one after the other; beside them the other
 * TypeScript tests, at last the end-to-end ones, three files at a time: with two files a sixth of two cores was idle, for a
 * command waits for its workers, and they for it.
 */
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
    return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0, output: code === 0 ? "" : output };
  },
});

const engine = join(ROOT, "engine");
const checks = [
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
  { title: "Python tests (pytest)", run: pytest },
];
/** Files that start the command, install engines or fit every model: most of the work, and longest where they share a core with other work. */
const LONG = ["test/e2e/**", "test/conformance/**", "test/scripts/**"];
/** Tests that leave nothing behind in their process: they share one, which a third of their time went into starting anew. */
const TOGETHER = [
  ...["evaluation", "features", "labels", "market", "validation"],
  ...["audit", "config", "data", "files", "prepare", "report"],
].map((room) => `test/${room}/**`);
const together = {
  title: "TypeScript tests (vitest), in one process",
  run: () => vitest("together", ["--maxWorkers=1", "--no-isolate", ...TOGETHER.map((glob) => glob.replace("**", ""))]),
};
const units = {
  title: "TypeScript tests (vitest), all others but the end-to-end ones",
  run: () => vitest("units", ["--maxWorkers=1", ...[...LONG, ...TOGETHER].map((glob) => `--exclude=${glob}`)]),
};
const endToEnd = {
  title: "TypeScript tests (vitest), end to end",
  run: () => vitest("long", ["--maxWorkers=3", ...LONG.map((glob) => glob.replace("**", ""))]),
};

/** Where torch is left out, its classes are unknown to mypy: what it says of them is left out too. */
function mypyOptions() {
  if (process.env.FOLDWISE_ENGINES !== "tabular") return [];
  const lenient = ["--allow-subclassing-any", "--allow-untyped-decorators", "--no-warn-return-any"];
  return [...lenient, "--no-warn-unused-ignores", "--disable-error-code=import-not-found"];
}

async function vitest(name, options) {
  const file = join(scratch, `${name}.json`);
  const args = ["run", "--reporter=default", "--reporter=json", `--outputFile.json=${file}`, ...options];
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
  const { code, output } = await run(python, ["-m", "pytest", "-q", `--junitxml=${file}`], {
    capture: true,
    cwd: engine,
  });
  const counts = counted(code, () => {
    const suite = /<testsuite [^>]*>/.exec(readFileSync(file, "utf8"))?.[0] ?? "";
    const count = (name) => Number(new RegExp(` ${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
    const failed = count("failures") + count("errors");
    return { passed: count("tests") - failed - count("skipped"), failed, skipped: count("skipped") };
  });
  return { ...counts, output };
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

const total = { passed: 0, failed: 0, skipped: 0 };

/** Runs suites one after the other; what one of them was to say is said when it ends, in one piece. */
async function lane(suites) {
  for (const suite of suites) {
    const began = Date.now();
    say(`\n── ${suite.title} …`);
    const { output = "", ...counts } = await suite.run();
    for (const key of Object.keys(total)) total[key] += counts[key];
    const verdict = counts.failed > 0 ? "FAILED" : "ok";
    const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : "";
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    if (output !== "") process.stdout.write(`\n${output}`);
    say(`── ${suite.title}: ${verdict}, ${counts.passed} passed${skipped} (${seconds} s)`);
  }
}

await runScript(async () => {
  await ensureSetup({ dev: true });
  const start = Date.now();
  await Promise.all([lane([...checks, together]), lane([units, endToEnd])]);
  rmSync(scratch, { recursive: true, force: true });
  say(`\nAll checks and tests: ${((Date.now() - start) / 1000).toFixed(0)} s after set-up.`);
  if (process.env.FOLDWISE_ENGINES === "tabular")
    say("Without torch (FOLDWISE_ENGINES=tabular): its tests are skipped.");
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : "";
  process.stdout.write(`${total.passed} passed, ${total.failed} failed${skipped}\n`);
  return total.failed > 0 ? 1 : 0;
});
