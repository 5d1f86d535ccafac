/** `foldwise cv` on prepared bars: what each fold saw, what is written, what a kill leaves, and what is refused. */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run } from "../../src/artifacts/index.js";
import { type AgainstReport, type CvReport, parseCvReport, parseSelection } from "../../src/report/index.js";
import { compareRuns } from "../../src/training/index.js";
import { failureOf } from "../data/helpers.js";
import { type CliResult, foldwise } from "./cli.js";
import { preparedFolder, query, type Row, readJson, succeeds } from "./fixture.js";
import { lacks } from "./models.js";
import { warm, warmSucceeds } from "./warm.js";

let cwd: string;
const runDir = (id: string): string => join(cwd, "experiments", "runs", id);
const reportOf = (id: string, job: string): CvReport => {
  const path = join(runDir(id), "reports", `${job}_cv.json`);
  return parseCvReport(readFileSync(path, "utf8"), path);
};
const oofOf = (id: string, job: string): string => join(runDir(id), "oof", `${job}.parquet`);
const CV = ["cv", "--symbol", "MES", "--horizon", "20"];
/** Rounds of lightgbm. */
const FEW = ["--set", "training.boosting.num_boost_round=40"];
const cv = (id: string, ...args: string[]): Promise<CliResult> => succeeds([...CV, ...args, "--run-id", id], { cwd });

beforeAll(async () => {
  cwd = await preparedFolder();
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe("purged k-fold of two models", () => {
  const JOBS = ["logistic_MES_h20", "lightgbm_MES_h20"];
  let result: CliResult;
  beforeAll(async () => {
    result = await cv("kfold", "--model", "logistic,lightgbm", "--folds", "4", ...FEW, "--json");
  });

  it("answers every usable row of train and validation once, and none of the test part", async () => {
    const [rows] = await query(
      `SELECT count(*)::INT AS rows, count(DISTINCT row)::INT AS different, max(row)::INT AS last,
              max(label_end) AS known, list_sort(list(DISTINCT part)) AS parts, max(abs(p_short + p_neutral + p_long - 1)) AS off
       FROM '${oofOf("kfold", JOBS[1]!)}'`,
    );
    const { rows: counted, cv: pooled } = reportOf("kfold", JOBS[1]!);
    expect(rows).toMatchObject({ rows: counted.used, different: counted.used, parts: ["oof"] });
    expect(pooled.rows).toBe(counted.used);
    expect(Number(rows?.off)).toBeLessThan(1e-5);
    const [test] = await query(
      `SELECT min(timestamp) AS first FROM '${join(cwd, "data/splits/scaled/MES_test.parquet")}'`,
    );
    expect(String(rows?.known) < String(test?.first)).toBe(true);
  });

  it("has a fold's figures as its out-of-fold rows give them", async () => {
    const report = reportOf("kfold", JOBS[1]!);
    const folds = await query(
      `SELECT fold::INT AS fold, count(*)::INT AS rows,
              avg(-ln(greatest(CASE label WHEN -1 THEN p_short WHEN 0 THEN p_neutral ELSE p_long END::DOUBLE, 1e-15))) AS loss
       FROM '${oofOf("kfold", JOBS[1]!)}' GROUP BY fold ORDER BY fold`,
    );
    expect(folds.map(({ rows }) => rows)).toEqual(report.folds.map(({ test }) => test.rows));
    for (const [i, fold] of report.folds.entries())
      expect(fold.test_scores.log_loss).toBeCloseTo(Number(folds[i]?.loss), 6);
    const mean = report.folds.reduce((sum, fold) => sum + fold.test_scores.log_loss, 0) / 4;
    expect(report.across_folds.log_loss.mean).toBeCloseTo(mean, 9);
  });

  it("fits nothing whose label looks into the tested rows, and stops by rows behind what it fitted", async () => {
    const { folds, embargo } = reportOf("kfold", JOBS[1]!);
    expect(embargo).toBeGreaterThanOrEqual(59);
    expect(folds.map(({ purged }) => purged > 0)).toEqual([true, true, true, true]);
    for (const { fit, stop } of folds) expect(fit.to! < stop!.from!).toBe(true);
    // logistic does not stop early: all training rows are its own.
    const plain = reportOf("kfold", JOBS[0]!).folds;
    plain.forEach(({ stop, fit }, i) => {
      expect(stop).toBeNull();
      expect(fit.rows).toBe(
        folds[i]!.fit.rows + folds[i]!.stop!.rows + folds[i]!.stop_purged + folds[i]!.stop_embargoed,
      );
    });
  });

  it("says what a fit on all rows should use, and gives the figures with --json", () => {
    const { refit_epochs, folds, cv: pooled } = reportOf("kfold", JOBS[1]!);
    const rounds = folds.map(({ best_epoch }) => best_epoch).sort((a, b) => a - b);
    expect(refit_epochs).toBe(rounds[1]);
    const models = (result.events.at(-1) as { models: Row[] }).models;
    expect(models.map(({ job }) => job)).toEqual(JOBS);
    expect(models[1]?.cv).toEqual(pooled.metrics);
  });

  it("leaves nothing but what it promises", () => {
    const left = readdirSync(runDir("kfold")).filter((name) => !name.startsWith("lock."));
    expect(left.sort()).toEqual(["config.yaml", "events.ndjson", "oof", "reports", "run.json"]);
    expect(readJson(join(runDir("kfold"), "run.json"))).toMatchObject({ status: "succeeded" });
  });

  it("is shown again by `report` and `runs`", async () => {
    const shown = await warmSucceeds(["report", "kfold", "--model", "lightgbm"], { cwd });
    expect(shown.stdout).toMatch(/^Beats the prior\? .*\(purged 4-fold cross-validation\)/m);
    expect(shown.stdout).toMatch(/fold {2}░ fitted {2}▒ stopped by {2}█ tested/);
    const sideBySide = await warmSucceeds(["runs", "kfold"], { cwd });
    expect(sideBySide.stdout).toMatch(/MES, horizon 20 bars.*purged 4-fold/);
    expect(sideBySide.stdout).toMatch(/\(prior only\)/);
  });
});

describe("audited", () => {
  it("is certain of no leak, and finds answers to rows that their fold had fitted", async () => {
    const { stdout } = await warmSucceeds(["audit", "kfold"], { cwd });
    expect(stdout).toMatch(/^label overlap +none +label intervals of 8 pairs/m);
    expect(stdout).toMatch(/^run +none +2 jobs: reported rows and [\d ]+ answers against the plan/m);
    cpSync(runDir("kfold"), runDir("mixed"), { recursive: true });
    const [from, to] = ["kfold", "mixed"].map((id) => oofOf(id, "lightgbm_MES_h20"));
    await query(
      `COPY (SELECT * REPLACE (((fold + 1) % 4)::TINYINT AS fold) FROM '${from}') TO '${to}' (FORMAT parquet)`,
    );
    const mixed = await warm(["audit", "mixed"], { cwd });
    expect(mixed.code, mixed.stderr).toBe(1);
    expect(mixed.stdout).toMatch(/CERTAIN \(run\) lightgbm_MES_h20, fold 1: \d+ rows were fitted and answered as test/);
    rmSync(runDir("mixed"), { recursive: true });
  });

  it("refuses files that are not the run's, before the features are read, and accuses nobody by them", async () => {
    cpSync(runDir("kfold"), runDir("damaged"), { recursive: true });
    const refused = async (): Promise<string> => {
      const { code, stdout, stderr } = await warm(["audit", "damaged"], { cwd });
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).not.toContain("features of");
      return stderr;
    };
    writeFileSync(oofOf("damaged", "lightgbm_MES_h20"), "");
    expect(await refused()).toContain("the file is empty");
    writeFileSync(join(runDir("damaged"), "config.yaml"), "");
    expect(await refused()).toContain("config.yaml is not what a run writes");
    rmSync(runDir("damaged"), { recursive: true });
  });
});

describe("two models of one run", () => {
  it("stand beside one another on their common rows, in text and in the run", async () => {
    const path = join(runDir("kfold"), "reports", "MES_h20_selection.json");
    const { comparison, choice } = parseSelection(readFileSync(path, "utf8"), path);
    const losses = ["logistic", "lightgbm"].map((model) => reportOf("kfold", `${model}_MES_h20`).cv.metrics.log_loss);
    expect(comparison?.rows).toBe(reportOf("kfold", "logistic_MES_h20").cv.rows);
    expect(comparison?.models.map(({ log_loss }) => log_loss)).toEqual(
      [...losses].sort().map((loss) => expect.closeTo(loss, 6)),
    );
    const behind = comparison!.models[1]!.behind_best!;
    expect(behind.log_loss_difference).toBeCloseTo(Math.abs(losses[0]! - losses[1]!), 6);
    expect(behind.interval[0]).toBeLessThan(behind.log_loss_difference);
    // Two weeks of sessions are too few: gains in log-loss are compared, and no Sharpe ratio.
    expect(choice).toMatchObject({
      basis: "log_loss",
      block: comparison!.bootstrap.block,
      overfitting: { blocks: 16 },
    });
    expect(choice!.no_deflated_sharpe_because).toMatch(/^1\d sessions, and at least 20 are needed$/);
    const { stdout } = await warmSucceeds(["report", "kfold"], { cwd });
    expect(stdout).toMatch(/Each model beside l\w+, the best-placed, on [\d ]+ out-of-fold rows:/);
  });
});

describe("a run killed between folds", () => {
  const JOB = "lightgbm_MES_h20";
  const ARGS = ["--model", "lightgbm", "--folds", "4", "--seeds", "7,8", ...FEW];
  const folds = (): string => join(runDir("killed"), "folds", JOB);
  let kept: Record<string, number>;

  it("goes on with the folds that are not finished, to the same answers", async () => {
    await cv("unbroken", ...ARGS);
    const third = join("folds", JOB, "s7_f2.json");
    const killed = await foldwise([...CV, ...ARGS, "--run-id", "killed", "--json"], {
      cwd,
      onOutput: (_, child) => {
        if (existsSync(join(runDir("killed"), third))) child.kill("SIGKILL");
      },
    });
    expect(killed.code).not.toBe(0);
    kept = Object.fromEntries(readdirSync(folds()).map((name) => [name, statSync(join(folds(), name)).mtimeMs]));
    expect(Object.keys(kept).length).toBeGreaterThanOrEqual(6);
    const resumed = await succeeds(["resume", "killed"], { cwd });
    expect(resumed.stderr).toMatch(/8 fits, [3-7] of them kept from before/);
    const both = await query(
      `SELECT count(*)::INT AS rows, max(abs(a.p_long - b.p_long)) AS off FROM '${oofOf("killed", JOB)}' a
       JOIN '${oofOf("unbroken", JOB)}' b USING (row, fold, repeat)`,
    );
    const report = reportOf("unbroken", JOB);
    expect(both[0]).toMatchObject({ rows: 2 * report.cv.rows, off: 0 });
    expect(reportOf("killed", JOB).cv).toEqual(report.cv);
    expect(report.across_seeds?.log_loss.standard_error).toBeGreaterThan(0);
    expect(existsSync(folds())).toBe(false);
  });
});

describe("other schemes", () => {
  it("walk-forward trains on the past only", async () => {
    const shown = await cv(
      "forward",
      "--model",
      "logistic",
      "--scheme",
      "walk-forward",
      "--folds",
      "3",
      "--window",
      "rolling",
    );
    expect(shown.stdout).toMatch(/walk-forward, 3 steps, rolling/);
    const { folds } = reportOf("forward", "logistic_MES_h20");
    expect(folds).toHaveLength(3);
    for (const { fit, test } of folds) expect(fit.to! < test.from!).toBe(true);
    expect(new Set(folds.map(({ fit }) => fit.from)).size).toBe(3);
    // Of kfold's rows it tests three quarters, on which both are compared.
    const path = join(runDir("forward"), "reports", "MES_h20_selection.json");
    const { choice } = parseSelection(readFileSync(path, "utf8"), path);
    const compared = choice!.compared.map(({ run_id, model_name }) => `${run_id} ${model_name}`);
    expect(compared).toEqual(expect.arrayContaining(["forward logistic", "kfold logistic", "kfold lightgbm"]));
    expect(choice!.not_compared).toEqual([]);
  });

  it("walk-forward by calendar takes whole weeks", async () => {
    await cv("weeks", "--model", "logistic", "--scheme", "walk-forward", "--period", "week", "--train-periods", "2");
    const { folds, scheme } = reportOf("weeks", "logistic_MES_h20");
    expect(scheme.description).toMatch(/by week/);
    expect(folds.length).toBeGreaterThan(0);
    const weekOf = (time: string | null): number => Math.floor((Date.parse(time!) / 86_400_000 + 3) / 7);
    for (const { test } of folds) expect(weekOf(test.from)).toBe(weekOf(test.to));
  });

  it("cpcv puts its splits together to backtest paths", async () => {
    await cv("cpcv", "--model", "logistic", "--scheme", "cpcv", "--groups", "5", "--test-groups", "2");
    const report = reportOf("cpcv", "logistic_MES_h20");
    expect([report.folds.length, report.paths?.length]).toEqual([10, 4]);
    const mean = report.paths!.reduce((sum, { log_loss }) => sum + log_loss, 0) / 4;
    expect(report.cv.metrics.log_loss).toBeCloseTo(mean, 9);
    const [oof] = await query(`SELECT count(*)::INT AS rows FROM '${oofOf("cpcv", "logistic_MES_h20")}'`);
    expect(oof?.rows).toBe(4 * report.rows.used);
  });
});

describe("a cross-validation against another one", () => {
  const against = async (run: string, other: string, ...args: string[]) => {
    const { events } = await warmSucceeds(["report", run, "--against", other, ...args, "--json"], { cwd });
    return (events.at(-1) as unknown as { against: AgainstReport[] }).against;
  };

  it("is compared on the rows that both have answered, row by row", async () => {
    const [found, best] = await against("forward", "kfold");
    expect(found).toMatchObject({ first: { model_name: "logistic" }, second: { model_name: "logistic" } });
    const [sql] = await query(
      `WITH losses AS (SELECT row, filename, -ln(CASE label WHEN -1 THEN p_short WHEN 0 THEN p_neutral ELSE p_long END::DOUBLE) AS loss
         FROM read_parquet(['${oofOf("forward", "logistic_MES_h20")}', '${oofOf("kfold", "logistic_MES_h20")}'], filename = true))
       SELECT count(*)::INT AS rows, avg(a.loss) AS first, avg(b.loss) AS second FROM losses a JOIN losses b USING (row)
       WHERE contains(a.filename, 'forward') AND contains(b.filename, 'kfold')`,
    );
    expect(found!.rows).toBe(sql!.rows);
    expect(found!.rows).toBeLessThan(reportOf("kfold", "logistic_MES_h20").cv.rows);
    expect(found!.first.log_loss).toBeCloseTo(Number(sql!.first), 9);
    expect(found!.log_loss_difference).toBeCloseTo(Number(sql!.first) - Number(sql!.second), 9);
    expect(found!.trading?.sessions).toBeGreaterThan(5);
    // The better of the two where logistic itself is not.
    expect(best === undefined || best.second.model_name === "lightgbm").toBe(true);
  });

  it("is told in words, and only of the models that are named", async () => {
    const { stdout } = await warmSucceeds(["report", "kfold", "--against", "cpcv", "--model", "logistic"], { cwd });
    expect(stdout).toMatch(
      /^logistic \(kfold\) better than logistic \(cpcv\)\? (YES|NO|NOT SHOWN): log-loss 0\.\d{4} against/,
    );
    expect(stdout.match(/better than/g)).toHaveLength(1);
  });

  /** A run's folder under another name, with one thing changed. */
  const changedCopy = (id: string, file: string, from: RegExp, to: string): void => {
    cpSync(runDir("kfold"), runDir(id), { recursive: true });
    const path = join(runDir(id), file);
    writeFileSync(path, readFileSync(path, "utf8").replace(from, to));
    const run = join(runDir(id), "run.json");
    writeFileSync(run, readFileSync(run, "utf8").replace('"run_id": "kfold"', `"run_id": "${id}"`));
  };
  beforeAll(() => {
    changedCopy("h5", "run.json", /"horizon": 20/g, '"horizon": 5');
    changedCopy("trained", "run.json", /"kind": "cv"/, '"kind": "train"');
    changedCopy("other", "reports/logistic_MES_h20_cv.json", /"fingerprint": "../, '"fingerprint": "--');
  });

  const runOf = (id: string): Run => Run.open(join(cwd, "experiments", "runs"), id);

  it("is refused where there is nothing in common", async () => {
    const refused = await warm(["report", "kfold", "--against", "other"], { cwd });
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toMatch(/MES is another dataset in run kfold .* than in run other/);
    for (const [other, models, message] of [
      ["kfold", undefined, /Run kfold is itself/],
      ["cpcv", ["lightgbm"], /Run cpcv has no report of lightgbm/],
      ["h5", undefined, /no symbol and horizon in common: kfold has MES h20; h5 has MES h5/],
      ["trained", undefined, /Run trained is no cross-validation, and only those keep/],
    ] as const) {
      const { code, message: said } = await failureOf(compareRuns(runOf("kfold"), runOf(other), { models }));
      expect(code).toMatch(/^usage\./);
      expect(said).toMatch(message);
    }
  });
});

// Skipped where torch is left out (FOLDWISE_ENGINES=tabular).
describe.skipIf(lacks("lstm"))("a sequence model", () => {
  it("answers the rows that end a full window, also of folds on both sides of the tested one", async () => {
    const small = ["--seq-len", "12", "--set", "training.neural.max_epochs=2", "--set", "model_params.hidden_size=8"];
    await cv("lstm", "--model", "lstm", "--folds", "3", ...small);
    const { rows, folds } = reportOf("lstm", "lstm_MES_h20");
    expect(rows.windowless).toBeGreaterThanOrEqual(11);
    const [oof] = await query(
      `SELECT count(*)::INT AS rows, min(row)::INT AS first FROM '${oofOf("lstm", "lstm_MES_h20")}'`,
    );
    expect(oof?.rows).toBe(rows.used);
    expect(Number(oof?.first)).toBeGreaterThanOrEqual(11);
    expect(folds.every(({ fit, total_epochs }) => fit.rows > 1000 && total_epochs === 2)).toBe(true);
  });
});

describe("what cannot be done is refused with the remedy, before anything is written", () => {
  it.each([
    [["--folds", "1"], /The number of folds is 1; it must be a whole number of at least 2/],
    [["--folds", "100"], /embargo of \d+ rows is longer than a fold of \d+ rows/],
    [["--embargo", "3000"], /embargo of 3000 rows is longer than a fold/],
    [
      ["--scheme", "walk-forward", "--train-rows", "9000", "--test-rows", "10"],
      /walk-forward window is longer than the data/,
    ],
    [["--scheme", "walk-forward", "--train-rows", "900", "--test-rows", "2"], /steps; at most 127 are allowed/],
    [["--prior-trials", "1.5"], /--prior-trials <n>' argument '1.5' is invalid/],
    [["--seeds", "7,07"], /A seed is named twice/],
    [["--scheme", "walk-forward", "--train-rows", "900"], /needs both train_rows and test_rows/],
    [["--scheme", "cpcv", "--groups", "3", "--test-groups", "3"], /none would train/],
  ])("%j", async (args, message) => {
    const refused = await warm([...CV, "--model", "logistic", ...args, "--run-id", "refused"], { cwd });
    expect(refused.code, refused.stderr).toBe(2);
    expect(refused.stderr).toMatch(message);
    expect(existsSync(runDir("refused"))).toBe(false);
  });
});

describe("hours that nobody can trade in", () => {
  it("are told before the first fold is fitted", async () => {
    const data = join(cwd, "no-days");
    mkdirSync(data);
    const parts = join(cwd, "data", "splits", "scaled");
    for (const file of readdirSync(parts))
      if (file.startsWith("MES_")) copyFileSync(join(parts, file), join(data, file));
    const meta = JSON.parse(readFileSync(join(parts, "MES.meta.json"), "utf8"));
    meta.pipeline.sessions.days = [];
    writeFileSync(join(data, "MES.meta.json"), JSON.stringify(meta));
    const refused = await foldwise([...CV, "--model", "logistic", "--data", data], { cwd });
    expect(refused.code, refused.stderr).toBe(2);
    expect(refused.stderr).toMatch(/it has no trading day/);
    expect(refused.stderr).not.toMatch(/ fits/);
  });
});
