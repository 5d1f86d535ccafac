import type { BundleSpec } from "../artifacts/index.js";
import { packageVersion } from "../files/index.js";
import type { PipelineSpec } from "../types/index.js";

/** Where a model comes from: what its bundle says besides the model itself. */
export interface ModelOrigin {
  symbol: string;
  /** Bars. */
  horizon: number;
  /** Of the stored dataset; null for rows that came as arrays. */
  fingerprint: string | null;
  pipeline: PipelineSpec | null;
  runId: string | null;
  /** Text of the bundle's `config.yaml`. */
  config: string;
  versions: Record<string, string>;
  synthetic: boolean;
  /** Digest of everything that the fit depends on, by which it is found again; see `fitDigest`. Null: it is not looked for. */
  fitSha256?: string | null;
}

/** The same, as a bundle's manifest spells it. */
export function originFacts(
  origin: ModelOrigin,
): Pick<
  BundleSpec,
  | "symbol"
  | "horizon"
  | "dataset_fingerprint"
  | "run_id"
  | "versions"
  | "synthetic"
  | "pipeline"
  | "config"
  | "created"
  | "fit_sha256"
> {
  return {
    symbol: origin.symbol,
    horizon: origin.horizon,
    dataset_fingerprint: origin.fingerprint,
    run_id: origin.runId,
    versions: origin.versions,
    synthetic: origin.synthetic,
    pipeline: origin.pipeline,
    config: origin.config,
    created: new Date(),
    fit_sha256: origin.fitSha256 ?? null,
  };
}

/** The origin of a model that was fitted on arrays, outside of any run. */
export function originOfArrays(): ModelOrigin {
  return {
    symbol: "custom",
    horizon: 1,
    fingerprint: null,
    pipeline: null,
    runId: null,
    config: "{}\n",
    versions: { foldwise: packageVersion(), node: process.versions.node },
    synthetic: false,
  };
}
