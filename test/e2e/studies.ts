/** Studies of `foldwise tune`, read by Optuna itself. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findPython } from "../../src/engine/index.js";
import { packageRoot } from "../../src/files/index.js";
import { parseTuningReport, type TuningReport } from "../../src/report/index.js";

/** A trial as Optuna has it. */
export interface OptunaTrial {
  number: number;
  state: "running" | "waiting" | "complete" | "pruned" | "fail";
  value: number | null;
  params: Record<string, string | number | boolean | null>;
  attrs: { slot?: number; requeued?: boolean; owner?: { pid: number }; total_epochs?: number[] };
}

export interface OptunaStudy {
  direction: "minimize" | "maximize";
  /** Number of the best trial; null where none was completed. */
  best: number | null;
  trials: OptunaTrial[];
}

const READ = `
import json, sys
import optuna
study = optuna.load_study(study_name=sys.argv[2], storage="sqlite:///" + sys.argv[1])
print(json.dumps({
    "direction": study.direction.name.lower(),
    "best": study.best_trial.number if any(t.state.name == "COMPLETE" for t in study.trials) else None,
    "trials": [
        {"number": t.number, "state": t.state.name.lower(), "value": t.value, "params": t.params, "attrs": t.user_attrs}
        for t in study.trials
    ],
}))
`;

export async function readByOptuna(file: string, name: string): Promise<OptunaStudy> {
  const { python } = findPython({ cwd: packageRoot(), env: process.env });
  const { stdout } = await promisify(execFile)(python, ["-c", READ, file, name]);
  return JSON.parse(stdout) as OptunaStudy;
}

/** Those that count: one that was killed has another in its slot. By slot, then by number. */
export const counted = ({ trials }: OptunaStudy): OptunaTrial[] =>
  trials
    .filter(({ attrs, state }) => attrs.slot !== undefined && attrs.requeued !== true && state !== "waiting")
    .sort((a, b) => a.attrs.slot! - b.attrs.slot! || a.number - b.number);

/** What makes two studies the same: of each slot what was tried, and what came of it. */
export const outcomes = (trials: TuningReport["trials"]): unknown[] =>
  trials.map(({ slot, state, value, params, best_epochs, pruned_at }) => ({
    ...{ slot, state, value, params, best_epochs, pruned_at },
  }));

export function tuningReportOf(cwd: string, run: string, job: string): TuningReport {
  const path = join(cwd, "experiments", "runs", run, "reports", `${job}_tune.json`);
  return parseTuningReport(readFileSync(path, "utf8"), path);
}
