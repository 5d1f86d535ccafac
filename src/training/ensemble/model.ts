import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Bundle, type BundleManifest, bundleDigest, readBundle, writeBundle } from "../../artifacts/index.js";
import type { Calibrator } from "../../evaluation/index.js";
import type { EnsembleModelDefinition } from "../../models/index.js";
import {
  type FeatureMatrix,
  type FeatureView,
  type FitOptions,
  FoldwiseError,
  type TrainingMetrics,
  throwIfAborted,
} from "../../types/index.js";
import { Bundled, type FitDetails, notFitted, type TrainableSettings } from "../bundled.js";
import { graphCalibrator } from "../calibration.js";
import { trainedClassesOf } from "../classes.js";
import type { Trainable } from "./bases.js";
import { FitWork } from "./fit.js";
import type { CombinedOn, Fit } from "./fitted.js";
import { asViews } from "./memoryDataset.js";
import { methodFor, methodOf } from "./method.js";
import type { EnsembleSettings } from "./settings.js";

/**
 * A model of models. Its bases are fitted as they always are; then it learns how to combine what they say of rows that they have not seen:
 *
 *     voting, blending   bases ──► answers to fresh rows ────────► weights or meta-learner
 *     stacking           bases, fold by fold ──► answers out of fold ──► meta-learner; bases again, on all training rows
 *
 * No row is in a fit that purging would forbid: folds are purged by the latest label end of all horizons.
 */
export class EnsembleModel extends Bundled {
  override readonly calibrates = true;
  readonly #ensemble: EnsembleSettings;
  #fits = 0;
  #calibrator: Calibrator = { kind: "none" };
  #fit: Fit | undefined;

  constructor(
    override readonly definition: EnsembleModelDefinition,
    settings: TrainableSettings,
    private readonly trainable: Trainable,
  ) {
    super(definition, settings);
    if (settings.ensemble === undefined) throw new Error(`${definition.id} was given no bases`);
    this.#ensemble = settings.ensemble;
    // What cannot be is said before any fit.
    const { bases } = settings.ensemble;
    methodFor(methodOf(settings.model_params, settings.ensemble), [...bases.keys()], bases.length);
  }

  override async fit(
    XTrain: FeatureMatrix,
    yTrain: Int8Array,
    XVal: FeatureMatrix,
    yVal: Int8Array,
    options: FitOptions = {},
  ): Promise<TrainingMetrics> {
    if (options.config !== undefined) {
      throw new FoldwiseError("config.bad_value", "An ensemble's configuration cannot be changed at fit.", {
        remedy: "Give it to createModel, where its bases are resolved.",
      });
    }
    const start = performance.now();
    const trained = trainedClassesOf(yTrain);
    await this.#forget();
    this.#fits += 1;
    const workDir = join(this.workDir, `fit-${this.#fits}`);
    mkdirSync(workDir, { recursive: true });
    const [X, val] = await asViews(
      { X: XTrain, y: yTrain },
      { X: XVal, y: yVal },
      join(workDir, "data"),
      this.#ensemble.labelRows,
    );
    const settings = { ...this.settings, ensemble: this.#ensemble };
    const { trainable } = this;
    const work = new FitWork(this.definition, settings, { ...options, workDir, trained, trainable });
    const fit = await work.run({ X, y: yTrain, weights: options.sampleWeights }, { X: val, y: yVal });
    if (X !== XTrain && this.#ensemble.labelRows === undefined) fit.warnings.push(NO_TIMES);
    this.#fit = fit;
    const train = await work.losses(fit, X, yTrain);
    const stop = await work.losses(fit, val, yVal);
    return {
      trainLoss: train.logLoss,
      valLoss: stop.logLoss,
      trainAccuracy: train.accuracy,
      valAccuracy: stop.accuracy,
      bestEpoch: 0,
      totalEpochs: 1,
      earlyStopped: false,
      trainingTime: (performance.now() - start) / 1000,
    };
  }

  override details(): FitDetails {
    const { trained, seqLen, windows, warnings, facts } = this.#fitted();
    return {
      device: "cpu",
      engine: null,
      nativeDir: null,
      parity: null,
      trainedClasses: [...trained],
      windows: seqLen === null ? null : { seqLen, train: windows, scored: windows.length },
      warnings,
      ensemble: facts,
    };
  }

  override get combinedOn(): CombinedOn | null {
    return this.#fitted().combinedOn;
  }

  override async answer(X: FeatureView): Promise<Float32Array> {
    return new Float32Array(await this.#fitted().answer(X));
  }

  override async calibrate(calibrator: Calibrator): Promise<void> {
    this.#fitted();
    await this.reset();
    this.#calibrator = calibrator;
  }

  override async dispose(): Promise<void> {
    await this.#fit?.dispose();
    this.#fit = undefined;
    await super.dispose();
  }

  protected override async write(): Promise<BundleManifest> {
    const { bases, combined, trained, features, seqLen, passthrough, workDir } = this.#fitted();
    const parts: Record<"bases" | "layer", Record<string, Bundle>> = { bases: {}, layer: {} };
    for (const base of bases) parts.bases[base.name] = await base.bundle();
    for (const { name, model } of combined.layer) {
      const dir = join(workDir, "layer", name);
      await model.save(dir);
      parts.layer[name] = await readBundle(dir);
    }
    throwIfAborted(this.settings.signal);
    this.settings.onEngineDone?.();
    const calibrator = graphCalibrator(this.#calibrator, trained);
    const digests = (folder: Record<string, Bundle>) =>
      Object.entries(folder).map(([name, bundle]) => ({ name, sha256: bundleDigest(bundle) }));
    return writeBundle(this.bundleDir, {
      ...this.facts(),
      input: seqLen === null ? "tabular" : "sequence",
      seq_len: seqLen,
      features,
      trained_classes: trained,
      device: "cpu",
      best_epoch: 0,
      parity: null,
      calibrator: calibrator === null ? null : { kind: this.#calibrator.kind, ...calibrator },
      ensemble: {
        bases: digests(parts.bases),
        layer: digests(parts.layer),
        passthrough: [...passthrough],
        combiner: combined.combination,
      },
      native: null,
      parts,
      files: {},
    });
  }

  #fitted(): Fit {
    if (this.#fit === undefined) throw notFitted();
    return this.#fit;
  }

  async #forget(): Promise<void> {
    await this.reset();
    await this.#fit?.dispose();
    this.#fit = undefined;
    this.#calibrator = { kind: "none" };
    if (this.#fits > 0) rmSync(join(this.workDir, `fit-${this.#fits}`), { recursive: true, force: true });
  }
}

const NO_TIMES =
  "The rows carry no times: a label is taken to look one row ahead, and what the ensemble learns to combine on is purged by that. Say how many rows it really looks ahead (labelRows), or fit on rows of a stored dataset.";
