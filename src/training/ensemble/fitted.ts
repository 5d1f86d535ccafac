import type { Probabilities } from "../../evaluation/index.js";
import type { FeatureView, Label } from "../../types/index.js";
import type { Base } from "./bases.js";
import type { Combined } from "./combination.js";
import type { EnsembleFacts } from "./facts.js";

/** What an ensemble says of rows that it learned to combine on: by folds that had not seen them. */
export interface CombinedOn {
  X: FeatureView;
  y: Int8Array;
  /** (N, 3) */
  p: Float64Array;
  /**
   * Learns to combine on some of the rows only (positions).
   *
   * @returns What it says of these by folds among them, and of any others.
   */
  again(train: Int32Array): Promise<{
    inner: Float64Array;
    answer(test: Int32Array): Promise<Float64Array>;
    dispose(): Promise<void>;
  }>;
}

/** A finished fit. */
export interface Fit {
  bases: Base[];
  combined: Combined;
  trained: readonly Label[];
  features: readonly string[];
  passthrough: readonly string[];
  seqLen: number | null;
  /** Positions of the training rows that end a full window. */
  windows: Int32Array;
  warnings: string[];
  facts: EnsembleFacts;
  combinedOn: CombinedOn | null;
  workDir: string;
  /** (N, 3), uncalibrated; every row must end a full window. */
  answer(X: FeatureView): Promise<Probabilities>;
  dispose(): Promise<void>;
}
