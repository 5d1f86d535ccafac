import { join } from "node:path";
import { viewOf } from "../../data/index.js";
import { classificationMetrics, type Probabilities, whyEqual } from "../../evaluation/index.js";
import type { EnsembleModelDefinition } from "../../models/index.js";
import { type FeatureView, type FitOptions, FoldwiseError, gather, type Label } from "../../types/index.js";
import type { TrainableSettings } from "../bundled.js";
import { BaseFits } from "./baseFits.js";
import { type Base, everyOne, type Trainable } from "./bases.js";
import {
  type CombineContext,
  type Combined,
  crossFitted,
  type Evidence,
  evidenceAt,
  fitCombination,
  foldsOf,
  learns,
  type Method,
  sum,
} from "./combination.js";
import { baseFacts, type EnsembleFacts } from "./facts.js";
import type { CombinedOn, Fit } from "./fitted.js";
import { methodFor, methodOf } from "./method.js";
import { outOfFold } from "./outOfFold.js";
import { passthroughColumns, passthroughNames, passthroughOf } from "./passthrough.js";
import {
  halves,
  isOwn,
  labelsAt,
  ownEnds,
  placesAmong,
  type Rows,
  uniquenessOf,
  weightsAt,
  windowsOf,
  withWindow,
} from "./rows.js";
import type { EnsembleSettings, PartSpec } from "./settings.js";

/** One fit of an ensemble, from its rows to the combination. */
export class FitWork {
  readonly #settings: TrainableSettings;
  readonly #ensemble: EnsembleSettings;
  readonly #context: CombineContext;
  readonly #baseFits: BaseFits;
  readonly #passthrough: readonly string[];
  readonly #onProgress: FitOptions["onProgress"];

  constructor(
    private readonly definition: EnsembleModelDefinition,
    settings: TrainableSettings & { ensemble: EnsembleSettings },
    {
      workDir,
      trained,
      trainable,
      signal,
      onProgress,
    }: { workDir: string; trained: readonly Label[]; trainable: Trainable } & FitOptions,
  ) {
    this.#settings = settings;
    this.#ensemble = settings.ensemble;
    this.#onProgress = onProgress;
    this.#context = {
      pool: settings.pool,
      seed: settings.seed,
      rowsDir: settings.rowsDir,
      origin: settings.origin,
      signal: signal ?? settings.signal,
      label: settings.label ?? definition.id,
      trainable,
      trained,
      workDir,
    };
    this.#passthrough = passthroughNames(settings.model_params);
    this.#baseFits = new BaseFits(this.#ensemble, settings.model_params, this.#context);
  }

  async run(train: Rows, val: Rows): Promise<Fit> {
    const { workDir, trained } = this.#context;
    // What cannot be is said before any fit.
    passthroughColumns(this.#passthrough, train.X.featureNames);
    const { stop, fresh } = this.#rowsOf(val);
    const specs = this.#baseFits.withWindows(fresh.X);
    const progress = this.#progress(specs);
    const bases = await this.#baseFits.fit(specs, { train, stop, fresh, onShare: progress.base });
    let combined: Combined | undefined;
    try {
      const longest = longestOf(bases);
      const windowed = withWindow(train.X, longest, this.#firstRow(train.X));
      const stacked = this.#folds > 0;
      const scored = await this.#evidence(bases, windowsOf(fresh, longest));
      const learning = stacked
        ? await this.#outOfFold(bases, { train, windowed, onShare: progress.fold })
        : { evidence: scored, bases };
      const kept = {
        ...scored,
        bases: scored.bases.filter(({ name }) => learning.bases.some((base) => base.name === name)),
      };
      const start = performance.now();
      const evidence = stacked ? learning.evidence : kept;
      const { method, reason } = this.#settled(this.#method(learning.bases), evidence, stacked);
      const made = await fitCombination(method, evidence, this.#context);
      combined = reason === null ? made : { ...made, reason };
      const answers = await this.#answersTo(kept, { stacked, method, combined, evidence });
      const facts = await this.#facts({
        bases: learning.bases,
        scored: kept,
        answers,
        stacked,
        method,
        combined,
        evidence,
      });
      const seconds = (performance.now() - start) / 1000;
      const learnsHere = !stacked && learns(method);
      const answer = async (X: FeatureView): Promise<Probabilities> =>
        made.answer(await this.#asked(learning.bases, X));
      const places = placesAmong(train.X.rows);
      return {
        bases: learning.bases,
        combined,
        trained,
        features: train.X.featureNames,
        passthrough: this.#passthrough,
        seqLen: longestOf(learning.bases),
        windows: places(windowed.rows),
        warnings: [
          ...this.#baseFits.dropped.map(({ name, why }) => `The base ${name} was left out: ${why}`),
          ...(combined.reason === null ? [] : [`${this.definition.id} has ${combined.reason}.`]),
          ...learning.bases.flatMap(({ name, warnings }) => warnings.map((warning) => `${name}: ${warning}`)),
        ],
        facts: { ...facts, seconds, windowless: train.X.rows.length - windowed.rows.length },
        combinedOn: learnsHere ? this.#combinedOn(kept, method, answers) : null,
        workDir,
        answer,
        dispose: async () => {
          await made.dispose();
          for (const base of bases) await base.dispose();
        },
      };
    } catch (error) {
      await combined?.dispose();
      for (const base of bases) await base.dispose();
      throw error;
    }
  }

  /** Log-loss and accuracy of a fit on rows, those that end a window. */
  async losses({ answer, seqLen }: Fit, X: FeatureView, y: Int8Array): Promise<{ logLoss: number; accuracy: number }> {
    const rows = withWindow(X, seqLen, 0);
    if (rows.shape[0] === 0) return { logLoss: Number.NaN, accuracy: Number.NaN };
    const own = labelsAt(y, placesAmong(X.rows)(rows.rows));
    return classificationMetrics(own, new Float32Array(await answer(rows)));
  }

  /** Rows to stop the bases by, and those that no fit sees. */
  #rowsOf(val: Rows): { stop: Rows; fresh: Rows } {
    const { fresh } = this.#ensemble;
    if (fresh !== undefined) return { stop: val, fresh: { X: fresh.X, y: fresh.y, weights: fresh.weights } };
    const parted = halves(val.X, this.#ensemble.embargo);
    const among = placesAmong(val.X.rows);
    const part = (X: FeatureView): Rows => ({ X, y: labelsAt(val.y, among(X.rows)), weights: this.#weightsOf(X) });
    return { stop: part(parted.stop), fresh: part(parted.fresh) };
  }

  /** Of stacking; 0 for ensembles that combine on fresh rows. */
  get #folds(): number {
    const { folds } = this.#settings.model_params;
    return typeof folds === "number" ? folds : 0;
  }

  /** Of the dataset's own horizon; rows of others have none. */
  #weightsOf({ dataset, rows }: FeatureView): Float32Array | undefined {
    const { origin } = this.#settings;
    if (!isOwn(dataset, origin)) return undefined;
    return gather(dataset.weights(origin.horizon), rows, new Float32Array(rows.length));
  }

  /** Training windows do not begin before the training part, or the rows of a fold. */
  #firstRow({ dataset, rows }: FeatureView): number {
    return Math.min(dataset.manifest.parts.train.start, rows[0] ?? 0);
  }

  async #outOfFold(
    bases: readonly Base[],
    {
      train,
      windowed,
      onShare,
    }: { train: Rows; windowed: FeatureView; onShare: (task: number, share: number) => void },
  ): Promise<{ evidence: Evidence; bases: Base[] }> {
    const at = placesAmong(train.X.rows)(windowed.rows);
    const weights = weightsAt(train.weights, at);
    const y = labelsAt(train.y, at);
    const answers = await outOfFold(
      bases.map(({ spec }) => spec),
      {
        X: windowed,
        y,
        weights,
        folds: this.#folds,
        embargo: this.#ensemble.embargo,
        context: this.#context,
        workDir: join(this.#context.workDir, "folds"),
        keepDir: this.#ensemble.keepDir ?? this.#ensemble.shared?.foldsOf(windowed),
        onProgress: onShare,
      },
      (spec, cause) => this.#baseFits.failed(spec, cause),
    );
    const kept = bases.filter(({ name }) => answers.some((answer) => answer.name === name));
    this.#baseFits.requireTwo(kept);
    return { evidence: await this.#evidenceOf(answers, { X: windowed, y, weights }), bases: kept };
  }

  async #evidence(bases: readonly Base[], rows: Rows): Promise<Evidence> {
    return this.#evidenceOf((await this.#asked(bases, rows.X)).bases, rows);
  }

  async #evidenceOf(bases: Evidence["bases"], { X, y, weights }: Rows): Promise<Evidence> {
    const { dataset, rows } = X;
    const ends = ownEnds(dataset, this.#settings.origin);
    const uniqueness = uniquenessOf(dataset, rows, ends);
    return {
      dataset,
      rows,
      y,
      ends,
      bases,
      uniqueness,
      weights,
      passthrough: await passthroughOf(this.#passthrough, X),
    };
  }

  async #asked(bases: readonly Base[], X: FeatureView): Promise<Pick<Evidence, "bases" | "passthrough">> {
    const answers = await everyOne(bases.map((base) => async () => ({ name: base.name, p: await base.answer(X) })));
    return { bases: answers, passthrough: await passthroughOf(this.#passthrough, X) };
  }

  #method(bases: readonly Base[]): Method {
    const all = this.#ensemble.bases;
    const kept = bases.map(({ spec }) => all.indexOf(spec));
    return methodFor(methodOf(this.#settings.model_params, this.#ensemble), kept, all.length);
  }

  /**
   * Whether there is enough to learn from, decided once for all folds: else the weights are equal, and why. Rows that have taught are
   * scored by folds of them, so they must be divisible into purged folds, and each fold's rows again, for what is learned after it.
   */
  #settled(method: Method, evidence: Evidence, stacked: boolean): { method: Method; reason: string | null } {
    if (!learns(method)) return { method, reason: null };
    const reason = whyEqual(evidence.y, sum(evidence.uniqueness)) ?? (stacked ? null : whyNoFolds(evidence));
    if (reason === null) return { method, reason };
    return { method: { kind: "given", voting: "voting" in method ? method.voting : "soft", weights: null }, reason };
  }

  /** What the ensemble says of the fresh rows, without having learned from their labels. */
  async #answersTo(scored: Evidence, { stacked, method, combined }: Learned): Promise<Probabilities> {
    if (stacked || !learns(method)) return combined.answer(scored);
    return this.#crossFitted(scored, method);
  }

  #crossFitted(evidence: Evidence, method: Method): Promise<Float64Array> {
    return crossFitted(evidence, foldsOf(evidence), (train, f) =>
      fitCombination(method, train, this.#partOfWhole(`cross_${f}`)),
    );
  }

  async #facts({
    bases,
    scored,
    answers,
    stacked,
    method,
    combined,
    evidence,
  }: Learned & { bases: readonly Base[]; scored: Evidence; answers: Probabilities }): Promise<
    Omit<EnsembleFacts, "windowless" | "seconds">
  > {
    const again = async (rows: Evidence, left: number): Promise<Probabilities | null> => {
      const others = [...bases.keys()].filter((b) => b !== left);
      if (method.kind === "given" && method.weights !== null && others.every((b) => method.weights![b] === 0))
        return null;
      const own = methodFor(method, others, bases.length);
      if (!stacked) return learns(own) ? this.#crossFitted(rows, own) : (await this.#once(own, rows)).answer(rows);
      const learned = { ...evidence, bases: others.map((b) => evidence.bases[b]!) };
      const made = await this.#once(own, learned);
      try {
        return await made.answer(rows);
      } finally {
        await made.dispose();
      }
    };
    return {
      combination: combined.combination,
      reason: combined.reason,
      learnedOn: learns(method) ? (stacked ? "out-of-fold" : "calibrate") : "nothing",
      rows: evidence.rows.length,
      effectiveLabels: sum(evidence.uniqueness),
      ...(await baseFacts(bases, scored, answers, this.#ensemble.explain === true ? again : null)),
      layer: combined.layer.map(({ name }) => name),
      passthrough: this.#passthrough,
      dropped: [...this.#baseFits.dropped],
    };
  }

  #once(method: Method, evidence: Evidence): Promise<Combined> {
    return fitCombination(method, evidence, this.#partOfWhole("without"));
  }

  #partOfWhole(folder: string): CombineContext {
    return { ...this.#context, partOfWhole: true, workDir: join(this.#context.workDir, folder) };
  }

  #combinedOn(evidence: Evidence, method: Method, p: Probabilities): CombinedOn {
    const { dataset, rows, y } = evidence;
    return {
      X: viewOf(dataset, rows),
      y,
      p: Float64Array.from(p),
      again: async (train) => {
        const own = evidenceAt(evidence, train);
        const inner = await this.#crossFitted(own, method);
        const combined = await this.#once(method, own);
        return {
          inner,
          answer: (test) => combined.answer(evidenceAt(evidence, test)),
          dispose: () => combined.dispose(),
        };
      },
    };
  }

  /** Shares of the base fits and of the folds, as one bar. */
  #progress(specs: readonly PartSpec[]): Record<"base" | "fold", (task: number, share: number) => void> {
    const shares = new Float64Array(specs.length * (1 + this.#folds));
    const tell = (at: number, share: number): void => {
      shares[at] = Math.max(shares[at] ?? 0, share);
      const done = shares.reduce((total, each) => total + each, 0);
      this.#onProgress?.({ step: Math.floor(PER_FIT * done), total: PER_FIT * shares.length, metrics: {} });
    };
    return { base: tell, fold: (task, share) => tell(specs.length + task, share) };
  }
}

const longestOf = (bases: readonly Base[]): number | null =>
  Math.max(0, ...bases.map(({ seqLen }) => seqLen ?? 0)) || null;

function whyNoFolds(evidence: Evidence): string | null {
  try {
    for (const { train } of foldsOf(evidence)) foldsOf(evidenceAt(evidence, train));
    return null;
  } catch (cause) {
    if (!(cause instanceof FoldwiseError)) throw cause;
    return `equal weights: the rows to learn on cannot be divided into purged folds (${cause.message})`;
  }
}

interface Learned {
  stacked: boolean;
  method: Method;
  combined: Combined;
  /** What the combination was learned from. */
  evidence: Evidence;
}

/** Steps of the progress bar that a fit is. */
const PER_FIT = 100;
