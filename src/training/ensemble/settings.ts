import type { EngineModelDefinition, ModelDefinition } from "../../models/index.js";
import type { FeatureView } from "../../types/index.js";
import type { SharedBases } from "./sharedBases.js";

/** A model that an ensemble is made of, resolved. */
export interface PartSpec {
  definition: ModelDefinition;
  model_params: Record<string, unknown>;
  training: Record<string, unknown>;
  device: "cpu" | "cuda" | (() => Promise<"cpu" | "cuda">);
}

/** A base that is fitted already, on exactly the rows of the ensemble. */
export interface ReadyBase {
  /** Its bundle. */
  dir: string;
  /** For the report: where it came from. */
  source: string;
}

/** What an ensemble needs beside the settings of any model. */
export interface EnsembleSettings {
  bases: PartSpec[];
  secondLayer: PartSpec[];
  meta: (PartSpec & { definition: EngineModelDefinition }) | null;
  /** Rows left out before each border that the ensemble itself draws. */
  embargo: number;
  /** Rows that a label of an array looks ahead; 1 by default. */
  labelRows?: number;
  /** Rows that no fit has seen, to combine on; without them it is the later half of the validation rows. */
  fresh?: { X: FeatureView; y: Int8Array; weights?: Float32Array };
  /** Fits a base, or finds it fitted; without it the ensemble fits its bases itself. */
  ready?: (base: PartSpec) => Promise<ReadyBase>;
  /** Bases that other fits of the same rows use, too; without it the ensemble's bases are its own. */
  shared?: SharedBases;
  /** Where finished folds of stacking are kept beyond the life of the process. */
  keepDir?: string;
  /** Whether to work out what each base adds, which makes the ensemble once more for each; for a report. */
  explain?: boolean;
  onNotice?: (message: string) => void;
}
