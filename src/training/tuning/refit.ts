import type { ResolvedModel } from "../../config/index.js";
import type { CellResult } from "../cell.js";
import { JobEnds } from "../jobEnds.js";
import { withStopRows } from "../rows.js";
import type { Session } from "../session.js";
import { baseStoreOf, openingsOfRun, trainJob } from "../trainJob.js";
import type { Setup, TuneWork } from "./setup.js";

/**
 * The winner, fitted, calibrated and judged as `train` would: on `train`, stopped by the `stop` rows; or, with `train_val`, on both
 * for as many rounds as the folds had at their best. The `calibrate` rows stay unseen by the fit either way: calibrator, prediction sets
 * and signals are learned there. The test rows are opened once.
 */
export async function refit(
  work: TuneWork,
  { setup, settings, epochs }: { setup: Setup; settings: ResolvedModel; epochs: number | null },
): Promise<CellResult> {
  const { run, session, cell, pool, signal, onEvent } = work;
  const { dataset, plans, config, definition } = setup;
  const whole = config.tuning.refit === "train_val";
  const plan = whole ? withStopRows(plans.holdout) : plans.holdout;
  const final = whole && epochs !== null ? fixedRounds(settings, epochs) : settings;
  const call = {
    ...session.call,
    models: session.call.models.map((each) => (each.definition === definition ? { ...each, settings: final } : each)),
  };
  const own: Session = {
    ...session,
    call,
    opened: new Map([[cell.symbol, { dataset, plan }]]),
    // Its model is closed by whoever has read its report.
    onResult: () => "keep",
  };
  const job = run.file.jobs.filter((each) => each.job === cell.job);
  const bases = baseStoreOf(run, own, { pool, onEvent, ends: new JobEnds({ file: { jobs: [] } }) });
  return trainJob({ run, session: own, pool, openings: openingsOfRun(run, own, job), bases, onEvent }, cell, {
    signal,
    fitted: () => {},
  });
}

/** So many rounds, and nothing stops them. */
function fixedRounds(settings: ResolvedModel, epochs: number): ResolvedModel {
  const { training } = settings;
  const rounds = "max_epochs" in training ? "max_epochs" : "num_boost_round";
  const patience = "patience" in training ? "patience" : "early_stopping_rounds";
  return { ...settings, training: { ...training, [rounds]: Math.max(1, epochs), [patience]: null } };
}
