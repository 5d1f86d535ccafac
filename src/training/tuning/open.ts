import { hostname } from "node:os";
import { isRunning } from "../../files/index.js";
import { FoldwiseError } from "../../types/index.js";
import { digestOf, requireSame, type StudyIdentity } from "./identity.js";
import { prunerOf } from "./pruner.js";
import type { Setup, TuneWork } from "./setup.js";
import { type StudyFiles, setAside } from "./storage.js";
import { foldsDigest, type TrialContext } from "./trial.js";
import type { Study, StudySpec, Tuner } from "./tuner.js";

/** What the last step of a fold holds. */
const FOLD_ENDS = "last of a fold: log-loss of its tested rows";

/** What the study of a job must have been made for. */
export function identityOf(setup: Setup, context: TrialContext = setup.context): StudyIdentity {
  const { definition, settings, dataset, space, objective } = setup;
  const { cell } = context;
  const { model_params, training } = settings;
  const parts = context.ensembleOf({ model_params, training });
  const made = [parts?.bases, parts?.secondLayer, parts?.meta].map((some) =>
    [some ?? []].flat().map((part) => [part.definition.id, part.model_params, part.training]),
  );
  return {
    model: definition.id,
    symbol: cell.symbol,
    horizon: cell.horizon,
    metric: objective.metric,
    dataset: dataset.manifest.fingerprint,
    space: digestOf(space.dimensions),
    settings: digestOf([model_params, training, made]),
    ...foldsDigest(context),
    // Trials are pruned by comparison at the same step: all must report the same at it.
    reports: `every ${context.every}; ${FOLD_ENDS}`,
  };
}

/**
 * Opens the study of a job, or makes it. Trials of processes that are no more are given back; a file that cannot be read is moved
 * aside.
 *
 * @param name Of the study within the file.
 * @throws FoldwiseError `usage.other_study` for one that was made for something else.
 */
export async function openStudy(
  tuner: Tuner,
  { work, setup, files, name }: { work: TuneWork; setup: Setup; files: StudyFiles; name: string },
  context: TrialContext = setup.context,
): Promise<Study> {
  const { cell, onEvent } = work;
  const spec: StudySpec = {
    file: files.db,
    name,
    direction: setup.objective.direction,
    space: setup.space.dimensions,
    pruner: prunerOf(setup.config.tuning, context),
    steps_per_fold: context.rounds,
  };
  const identity = identityOf(setup, context);
  const opened = await tuner.open(spec, { ...identity }).catch((error: unknown) => {
    if (!(error instanceof FoldwiseError) || error.code !== "tuning.bad_study") throw error;
    const aside = setAside(files.db, "corrupt");
    const message = `${files.db} cannot be read as a study and was moved to ${aside}; a new one is begun.`;
    onEvent({ event: "notice", job: cell.job, message });
    setup.notices.push(message);
    return tuner.open(spec, { ...identity });
  });
  requireSame(opened.attrs, identity, files.db);
  const dead = opened.trials.filter(({ state, attrs }) => state === "running" && !isAlive(attrs.owner));
  const back = await opened.study.requeue(dead.map(({ number }) => number));
  if (back.length > 0) {
    const message = `${back.length} trial${back.length === 1 ? "" : "s"} of a process that is no more: tried again with the same parameters.`;
    onEvent({ event: "notice", job: cell.job, message });
  }
  return opened.study;
}

/** Of a process on another machine nothing can be known: it may be at work on a shared disk. */
function isAlive(owner: unknown): boolean {
  if (typeof owner !== "object" || owner === null) return false;
  const { pid, host, started } = owner as Record<string, unknown>;
  if (typeof pid !== "number" || typeof host !== "string") return false;
  const mark = { pid, host, started: typeof started === "string" ? started : null };
  return mark.host !== hostname() || isRunning(mark);
}
