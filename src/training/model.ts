import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type BundleManifest, ONNX_NAME, SCALER_NAME, writeBundle } from "../artifacts/index.js";
import type { Calibrator } from "../evaluation/index.js";
import type { ParityResult } from "../inference/index.js";
import type { EngineModelDefinition, ModelDefinition } from "../models/index.js";
import {
  type FeatureMatrix,
  type FeatureView,
  type FitOptions,
  type TrainingMetrics,
  throwIfAborted,
} from "../types/index.js";
import {
  Bundled,
  type FitDetails,
  type FitWindows,
  notFitted,
  sectionsOf,
  type TrainableModel,
  type TrainableSettings,
} from "./bundled.js";
import { graphCalibrator } from "./calibration.js";
import {
  answeredRows,
  answerView,
  type EngineFit,
  type EngineFitSettings,
  exportEngine,
  fitEngine,
  requireNative,
} from "./engineModel.js";
import { EnsembleModel } from "./ensemble/index.js";
import { checkExport } from "./parity.js";
import { TypeScriptModel } from "./typescriptModel.js";

export type { FitDetails, FitWindows, TrainableModel, TrainableSettings } from "./bundled.js";

const FIT_NAME = "fit.json";

export function trainable(definition: ModelDefinition, settings: TrainableSettings): TrainableModel {
  switch (definition.kind) {
    case "engine":
      return new EngineModel(definition, settings);
    case "typescript":
      return new TypeScriptModel(definition, settings);
    case "ensemble":
      return new EnsembleModel(definition, settings, trainable);
  }
}

class EngineModel extends Bundled {
  #fit: { fit: EngineFit; X: FeatureMatrix; trainedClasses: (-1 | 0 | 1)[]; settings: EngineFitSettings } | undefined;
  #parity: ParityResult | null = null;
  #calibrator: Calibrator = { kind: "none" };
  #fits = 0;
  override readonly calibrates = true;

  constructor(
    override readonly definition: EngineModelDefinition,
    settings: TrainableSettings,
  ) {
    super(definition, settings);
  }

  override async fit(
    XTrain: FeatureMatrix,
    yTrain: Int8Array,
    XVal: FeatureMatrix,
    yVal: Int8Array,
    options: FitOptions = {},
  ): Promise<TrainingMetrics> {
    const { device } = this.settings;
    const sections = sectionsOf(this.definition, this.settings, options.config);
    await this.#forget();
    this.#fits += 1;
    const workDir = join(this.workDir, `fit-${this.#fits}`);
    mkdirSync(workDir, { recursive: true });
    const settings: EngineFitSettings = {
      ...this.settings,
      ...sections,
      device: typeof device === "function" ? await device() : device,
      workDir,
    };
    const signal = options.signal ?? this.settings.signal;
    const fit = await fitEngine(this.definition, settings, XTrain, yTrain, XVal, yVal, {
      ...options,
      ...(signal === undefined ? {} : { signal }),
    });
    this.#fit = { fit, X: XVal.shape[0] > 0 ? XVal : XTrain, trainedClasses: [...fit.result.classes], settings };
    return fit.metrics;
  }

  /** The fit before, its bundle and its files. */
  async #forget(): Promise<void> {
    await this.reset();
    this.#parity = null;
    this.#calibrator = { kind: "none" };
    this.#fit = undefined;
    if (this.#fits > 0) rmSync(join(this.workDir, `fit-${this.#fits}`), { recursive: true, force: true });
  }

  override details(): FitDetails {
    if (this.#fit === undefined) throw notFitted();
    const { fit, trainedClasses } = this.#fit;
    const { result, nativeDir, input } = fit;
    const windows: FitWindows | null =
      input.window === null
        ? null
        : {
            seqLen: input.window.length,
            train: input.train,
            scored: result.files.train === null ? 0 : (answeredRows(nativeDir, result)?.length ?? input.train.length),
          };
    return { device: result.device, engine: result, nativeDir, parity: this.#parity, trainedClasses, windows };
  }

  override async answer(X: FeatureView): Promise<Float32Array> {
    if (this.#fit === undefined) throw notFitted();
    const { fit, settings } = this.#fit;
    return answerView(this.definition, fit, settings, X, this.settings.signal);
  }

  override async calibrate(calibrator: Calibrator): Promise<void> {
    if (this.#fit === undefined) throw notFitted();
    await this.reset();
    this.#calibrator = calibrator;
  }

  protected override async write(): Promise<BundleManifest> {
    if (this.#fit === undefined) throw notFitted();
    const { signal } = this.settings;
    const calibrator = graphCalibrator(this.#calibrator, this.#fit.trainedClasses);
    const { fit, X, trainedClasses, settings } = this.#fit;
    const native = requireNative(fit);
    const { scaler } = fit.result.files;
    const graph = join(settings.workDir, ONNX_NAME);
    const { borders } = await exportEngine(this.definition, fit, settings, calibrator, signal);
    const parity = await checkExport(this.definition, fit, settings, graph, borders, X, {
      calibrator,
      signal,
      onNative: this.settings.onEngineDone,
    });
    this.#parity = parity;
    throwIfAborted(signal);
    return writeBundle(this.bundleDir, {
      ...this.facts(),
      seq_len: fit.input.window?.length ?? null,
      features: X.featureNames,
      trained_classes: trainedClasses,
      device: fit.result.device,
      best_epoch: fit.result.best_epoch,
      parity: { max_abs_diff: parity.maxAbsDiff, rows: parity.rows, tolerance: parity.tolerance },
      calibrator: calibrator === null ? null : { kind: this.#calibrator.kind, ...calibrator },
      class_scale: fit.classScale,
      native,
      files: {
        [ONNX_NAME]: { path: graph },
        [native]: { path: join(fit.nativeDir, native) },
        // What the engine needs beside its own file to go on from it: classes, feature count, best round.
        [FIT_NAME]: { path: join(fit.nativeDir, FIT_NAME) },
        ...(scaler === null ? {} : { [SCALER_NAME]: { path: join(fit.nativeDir, scaler) } }),
      },
    });
  }
}
