import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { type BundleManifest, bundleSources, writeBundle } from "../artifacts/index.js";
import type { Calibrator } from "../evaluation/index.js";
import type { TypeScriptModelDefinition } from "../models/index.js";
import {
  type BaseModel,
  type FeatureMatrix,
  type FeatureView,
  type FitOptions,
  FoldwiseError,
  type TrainingMetrics,
} from "../types/index.js";
import { Bundled, type FitDetails, notFitted, sectionsOf, type TrainableSettings } from "./bundled.js";
import { trainedClassesOf } from "./classes.js";
import { fitWeights } from "./weights.js";

/** A plug-in written in TypeScript: it fits and predicts itself; its files are kept in the same kind of bundle. */
export class TypeScriptModel extends Bundled {
  #model: BaseModel;
  #fitted: { features: readonly string[]; trainedClasses: (-1 | 0 | 1)[]; metrics: TrainingMetrics } | undefined;
  override readonly calibrates = false;

  constructor(
    override readonly definition: TypeScriptModelDefinition,
    settings: TrainableSettings,
  ) {
    super(definition, settings);
    const { model_params, training } = settings;
    refuseBalanced(definition, training);
    this.#model = definition.create({ model_params, training });
  }

  override async fit(
    XTrain: FeatureMatrix,
    yTrain: Int8Array,
    XVal: FeatureMatrix,
    yVal: Int8Array,
    options: FitOptions = {},
  ): Promise<TrainingMetrics> {
    const trainedClasses = trainedClassesOf(yTrain);
    const { config, sampleWeights, ...rest } = options;
    const sections = sectionsOf(this.definition, this.settings, config);
    refuseBalanced(this.definition, sections.training);
    await this.reset();
    this.#fitted = undefined;
    this.#model = this.definition.create(sections);
    const weights = fitWeights(yTrain, sampleWeights, "none");
    const metrics = await this.#model.fit(XTrain, yTrain, XVal, yVal, {
      ...rest,
      ...(weights === null ? {} : { sampleWeights: weights }),
    });
    this.#fitted = { features: XTrain.featureNames, trainedClasses, metrics };
    return metrics;
  }

  override details(): FitDetails {
    if (this.#fitted === undefined) throw notFitted();
    const { trainedClasses } = this.#fitted;
    return { device: "cpu", engine: null, nativeDir: null, parity: null, trainedClasses, windows: null };
  }

  override async answer(X: FeatureView): Promise<Float32Array> {
    return (await this.predict(X)).probabilities;
  }

  override async calibrate(calibrator: Calibrator): Promise<void> {
    if (calibrator.kind === "none") return;
    throw new FoldwiseError("config.calibration", `${this.definition.id} cannot be calibrated.`, {
      remedy: "Set calibration: none; only models with an engine have a graph that holds a calibrator.",
    });
  }

  protected override async write(): Promise<BundleManifest> {
    if (this.#fitted === undefined) throw notFitted();
    const own = mkdtempSync(join(this.workDir, "saved-"));
    await this.#model.save(own);
    return writeBundle(this.bundleDir, {
      ...this.facts(),
      features: this.#fitted.features,
      trained_classes: this.#fitted.trainedClasses,
      device: "cpu",
      best_epoch: this.#fitted.metrics.bestEpoch,
      parity: null,
      calibrator: null,
      native: null,
      files: bundleSources(own),
    });
  }
}

/** Balanced weights shift the probabilities, and only an engine's graph has the place where that is undone. */
function refuseBalanced({ id }: TypeScriptModelDefinition, training: Record<string, unknown>): void {
  if (training.class_weight !== "balanced") return;
  throw new FoldwiseError("config.class_weight", `${id} cannot be fitted with class_weight: balanced.`, {
    remedy: "Set training.class_weight: none; only models with an engine undo the shift of balanced weights.",
    details: { got: "balanced", allowed: ["none"] },
  });
}
