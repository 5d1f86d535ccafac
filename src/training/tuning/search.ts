import { toFoldwiseError } from "../../files/index.js";
import { FoldwiseError, type OnEvent, throwIfAborted } from "../../types/index.js";
import { testedRows } from "../cv/repeats.js";
import { FoldOrders } from "./foldOrder.js";
import { better, type Objective } from "./objective.js";
import { Reporter } from "./reporter.js";
import { checkSections, type Sections, type TuningSpace, valueAt, withParams } from "./space.js";
import { planTrial, runTrial, type TrialContext, type TrialPlan } from "./trial.js";
import type { AskedTrial, SamplerSpec, Study, TrialRecord } from "./tuner.js";

/** So many trials in a row may fail before the first good one: what fails every time is no matter of parameters. */
export const MOST_FAILURES = 5;

export interface SearchWork {
  context: TrialContext;
  study: Study;
  space: TuningSpace;
  /** The settings without tuning: those of slot 0. */
  settings: Sections;
  objective: Objective;
  sampler: SamplerSpec;
  /** Trials that the study is to hold. */
  target: number;
  /** No trial begins after it; milliseconds as `Date.now`. */
  deadline: number | null;
  /** Names this process to others that work on the study. */
  owner: Record<string, unknown>;
  /** Job that events speak of. */
  job: string;
  /** Of a search that is part of something larger, what: `outer fold 2`. */
  within?: string | undefined;
  signal?: AbortSignal | undefined;
  onEvent?: OnEvent | undefined;
}

/** What a search did in this call. */
export interface SearchEnd {
  /** All trials of the study, by number. */
  trials: TrialRecord[];
  /** Whether the deadline came before the target. */
  outOfTime: boolean;
  /** Trials that this call has ended. */
  ended: number;
}

/** The settings of a trial: those of slot 0 are the defaults themselves, which may lie outside of the space. */
export const sectionsOfTrial = (
  { settings }: Pick<SearchWork, "settings">,
  { slot, params }: Pick<AskedTrial, "slot" | "params">,
): Sections => (slot === 0 ? withParams(settings, {}) : withParams(settings, params));

/**
 * Asks and tells until the study holds as many trials as it is to: as many at a time as the pool has workers.
 *
 *   ask ─► folds, one after another ─► tell          a lane; each worker has one
 *            │ values of every so many rounds ▲
 *            └──────► tuner: prune? ──────────┘
 *
 * @throws FoldwiseError that of the first trial where all fail, and `interrupted.*`; trials at work then are given back.
 */
export async function search(work: SearchWork): Promise<SearchEnd> {
  const { study, context, target, signal } = work;
  const before = await study.trials();
  const board = new Board(work, before);
  const plan = planTrial(context);
  const orders = new FoldOrders(study, plan);
  let [outOfTime, stopped] = [false, false];
  const lane = async (): Promise<void> => {
    while (!board.broken && !stopped && signal?.aborted !== true) {
      // The defaults are always tried: without them nothing can be said of the others.
      if (work.deadline !== null && Date.now() > work.deadline && board.begun) {
        outOfTime = true;
        return;
      }
      board.begun = true;
      const { sampler, owner, space } = work;
      const order = await orders.next();
      const asked = await study.ask({ sampler, target, defaults: space.defaults, owner });
      if (asked === null) return;
      await oneTrial(work, { plan, order }, asked, board);
    }
  };
  const watched = (): Promise<void> =>
    lane().catch((cause: unknown) => {
      // What one lane cannot go on with, such as a study that is damaged, no other can.
      stopped = true;
      throw cause;
    });
  const lanes = Array.from({ length: Math.max(1, Math.min(context.pool.workers, target)) }, watched);
  const ends = await Promise.allSettled(lanes);
  const failed = ends.find((end) => end.status === "rejected");
  if (failed !== undefined || signal?.aborted) {
    // So that whoever goes on need not wait for this process to be gone.
    await study.requeue([...board.running]).catch(() => {});
    if (failed !== undefined && signal?.aborted !== true) throw failed.reason;
    throwIfAborted(signal);
  }
  board.requireOne();
  const trials = await study.trials();
  const finished = trials.filter(
    ({ slot, state, attrs }) => slot !== null && state !== "waiting" && attrs.requeued !== true,
  ).length;
  return { trials, outOfTime: outOfTime && finished < target, ended: board.ended };
}

async function oneTrial(
  work: SearchWork,
  { plan, order }: { plan: TrialPlan; order: number[] | undefined },
  asked: AskedTrial,
  board: Board,
): Promise<void> {
  const { context, study, objective, signal } = work;
  const { number, slot } = asked;
  const start = performance.now();
  const abort = new AbortController();
  const stop = (): void => abort.abort(signal?.reason);
  signal?.addEventListener("abort", stop, { once: true });
  board.begins(asked);
  const reporter = new Reporter(study, number, () => abort.abort(new FoldwiseError("interrupted.pruned", "Pruned.")));
  const seconds = (): number => (performance.now() - start) / 1000;
  try {
    const sections = sectionsOfTrial(work, asked);
    checkSections(context.definition, sections);
    const done = await runTrial(context, plan, {
      name: `t${slot}`,
      sections,
      order,
      reporter,
      signal: abort.signal,
      onShare: (share) => board.share(slot, share),
    });
    throwIfAborted(signal);
    if (done === null) {
      await study.tell(number, { state: "pruned" }, { seconds: seconds(), pruned_at: reporter.prunedAt });
      board.ends(asked, "pruned", { seconds: seconds() });
      return;
    }
    const { cell, dataset, plan: cv, seeds } = context;
    const value = objective.value(testedRows(dataset, cell.horizon, cv, seeds.length, done.folds));
    const facts = done.folds.map(({ answer }) => answer.facts);
    const attrs = {
      seconds: seconds(),
      best_epochs: facts.map(({ best_epoch }) => best_epoch),
      total_epochs: facts.map(({ total_epochs }) => total_epochs),
      folds_kept: done.kept,
    };
    await Promise.all([reporter.finish(), study.tell(number, { state: "complete", value }, attrs)]);
    board.ends(asked, "complete", { value, seconds: seconds() });
  } catch (cause) {
    // Its trial stays as it is, and is given back.
    if (signal?.aborted) return;
    const { code, message } = toFoldwiseError(cause);
    if (code.startsWith("tuning.")) throw cause;
    await study.tell(number, { state: "fail" }, { error: `${code}: ${message}`, seconds: seconds() });
    board.ends(asked, "fail", { cause, seconds: seconds() });
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** How the search stands: for progress, and to know when to give up. */
class Board {
  readonly running = new Set<number>();
  /** Trials that this call has ended. */
  ended = 0;
  /** Whether this call has asked for a trial yet. */
  begun = false;
  readonly #shares = new Map<number, number>();
  #finished: number;
  #best: { slot: number; value: number } | null = null;
  #failures: number;
  #firstFailure: { cause: unknown } | null = null;

  constructor(
    private readonly work: SearchWork,
    before: readonly TrialRecord[],
  ) {
    const { objective } = work;
    const ended = before.filter(({ slot, state }) => slot !== null && state !== "waiting" && state !== "running");
    // One that was killed has another trial in its slot.
    this.#finished = ended.filter(({ attrs }) => attrs.requeued !== true).length;
    for (const { slot, state, value } of ended) {
      if (state !== "complete" || value === null || slot === null) continue;
      if (this.#best === null || better(objective, value, this.#best.value)) this.#best = { slot, value };
    }
    this.#failures = this.#best === null ? 0 : Number.NEGATIVE_INFINITY;
  }

  /** Nothing but failures so far, and enough of them. */
  get broken(): boolean {
    return this.#failures >= Math.min(MOST_FAILURES, this.work.target);
  }

  requireOne(): void {
    if (this.#best !== null || this.#firstFailure === null) return;
    const { code, message, remedy } = toFoldwiseError(this.#firstFailure.cause);
    const trials = this.#failures === 1 ? "The only trial failed" : `All ${this.#failures} trials failed; the first`;
    throw new FoldwiseError(code, `${trials}: ${message}`, {
      ...(remedy === undefined ? {} : { remedy }),
      cause: this.#firstFailure.cause,
    });
  }

  begins({ number, slot }: AskedTrial): void {
    this.running.add(number);
    this.share(slot, 0);
  }

  share(slot: number, share: number): void {
    this.#shares.set(slot, share);
    this.#tell();
  }

  ends(
    { number, slot, params }: AskedTrial,
    state: "complete" | "pruned" | "fail",
    how: { value?: number; cause?: unknown; seconds: number },
  ): void {
    this.running.delete(number);
    this.#shares.delete(slot);
    this.#finished++;
    this.ended++;
    const { value } = how;
    if (value !== undefined && (this.#best === null || better(this.work.objective, value, this.#best.value)))
      this.#best = { slot, value };
    if (state === "complete") this.#failures = Number.NEGATIVE_INFINITY;
    if (state === "fail") {
      this.#failures++;
      this.#firstFailure ??= { cause: how.cause };
    }
    this.work.onEvent?.({
      event: "trial",
      job: this.work.job,
      ...(this.work.within === undefined ? {} : { within: this.work.within }),
      slot,
      state,
      value: value ?? null,
      best: this.#best,
      params: slot === 0 ? fittedParams(this.work, params) : params,
      seconds: how.seconds,
      message: state === "fail" ? toFoldwiseError(how.cause).message : "",
    });
    this.#tell();
  }

  #tell(): void {
    const { target, job, objective, onEvent } = this.work;
    const running = [...this.#shares.values()].reduce((sum, share) => sum + share, 0);
    const step = Math.min(PER_TRIAL * target, Math.floor(PER_TRIAL * (this.#finished + running)));
    const metrics = this.#best === null ? {} : { [`best_${objective.metric}`]: this.#best.value };
    onEvent?.({ event: "progress", job, stage: "trials", step, total: PER_TRIAL * target, metrics });
  }
}

/** Of slot 0: the defaults themselves, where the space does not hold them. */
const fittedParams = ({ settings, space }: SearchWork, params: AskedTrial["params"]): AskedTrial["params"] =>
  Object.fromEntries(
    Object.entries(params).map(([name, value]) => [
      name,
      space.outside.includes(name) ? valueAt(settings, name) : value,
    ]),
  );

/** Steps of the progress bar that a trial is. */
const PER_TRIAL = 100;
