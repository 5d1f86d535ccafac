import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import {
  checkFeature,
  defineFeature,
  type FeatureDefinition,
  type FeatureInput,
  type FeatureProblem,
} from "../features/index.js";
import { type Bars, FoldwiseError } from "../types/index.js";

/**
 * The features of plug-in modules, in the order of `paths`. A module's default export is a `FeatureDefinition`, an array of
 * them, or a function that is given `{ defineFeature }` and returns either (so that it needs no imports of its own).
 *
 * @param cwd Paths are relative to it.
 * @throws FoldwiseError `config.plugin_not_found`, `config.plugin_failed` (it could not be imported), `config.bad_plugin` (its
 *   export is no feature), `config.feature_definition` (a feature is not valid).
 */
export async function loadFeaturePlugins(paths: readonly string[], cwd: string): Promise<FeatureDefinition[]> {
  const features: FeatureDefinition[] = [];
  for (const written of paths) {
    const exported = await importDefault(resolve(cwd, written), written);
    const list: unknown[] = Array.isArray(exported) ? exported : [exported];
    if (list.length === 0 || !list.every(isFeatureInput)) {
      throw new FoldwiseError("config.bad_plugin", `Feature plug-in ${written} does not export features.`, {
        remedy: "Export by default what defineFeature({name, formula, lookback, create}) returns, or an array of such.",
        details: { plugin: written },
      });
    }
    features.push(...list.map((feature) => defineFeature(feature)));
  }
  return features;
}

/** Bars that a plug-in's features are tried on; some milliseconds a feature. */
const TRIAL_BARS = 3_000;

/**
 * Tries features of plug-ins on the first bars by the rules that every feature keeps (see `FeatureDefinition`), so that none which looks
 * ahead or hangs on the price level reaches a dataset.
 *
 * @throws FoldwiseError `config.feature_rule` naming the feature, the rule and the first row that breaks it.
 */
export function tryFeatures(features: readonly FeatureDefinition[], bars: Bars): void {
  for (const feature of features) {
    const [problem] = checkFeature(feature, firstBars(bars, TRIAL_BARS + feature.warmup));
    if (problem === undefined) continue;
    const { rule, row, message } = problem;
    throw new FoldwiseError(
      "config.feature_rule",
      `The plug-in's feature ${feature.name} ${BROKEN[rule]}; at bar ${row} of the file: ${message}.`,
      { remedy: REMEDY[rule], details: { feature: feature.name, rule, row } },
    );
  }
}

const BROKEN: Record<FeatureProblem["rule"], string> = {
  causal: "hangs on bars that come later",
  scale_free: "hangs on the level of prices",
  warm_up: "hangs on more bars than it says",
  defined: "is not a number after its warm-up",
};

const REMEDY: Record<FeatureProblem["rule"], string> = {
  causal: "Keep all state inside what `create` returns, and use only the bars pushed so far.",
  scale_free: "Use ratios or logarithms of ratios of prices, never prices or their differences.",
  warm_up: "Raise `lookback` and `warmup`, or forget what is older than `lookback` bars.",
  defined: "Return a finite number for flat prices and zero volume too, or raise `warmup`.",
};

function firstBars(bars: Bars, n: number): Bars {
  if (bars.n <= n) return bars;
  const { timestamp, open, high, low, close, volume, contract } = bars;
  return {
    n,
    timestamp: timestamp.subarray(0, n),
    open: open.subarray(0, n),
    high: high.subarray(0, n),
    low: low.subarray(0, n),
    close: close.subarray(0, n),
    volume: volume.subarray(0, n),
    ...(contract === undefined ? {} : { contract: contract.slice(0, n) }),
  };
}

async function importDefault(path: string, written: string): Promise<unknown> {
  if (!existsSync(path)) {
    throw new FoldwiseError("config.plugin_not_found", `There is no feature plug-in ${written}.`, {
      remedy: `Plug-in paths are relative to the working folder; looked for ${path}.`,
      details: { plugin: written },
    });
  }
  // Importing a pipe or a device would wait for its end.
  if (!statSync(path).isFile()) {
    throw new FoldwiseError("config.plugin_failed", `Feature plug-in ${written} is no regular file.`, {
      remedy: "Name a JavaScript module.",
      details: { plugin: written },
    });
  }
  try {
    const module: { default?: unknown } = await import(pathToFileURL(path).href);
    return typeof module.default === "function" ? await module.default({ defineFeature }) : module.default;
  } catch (cause) {
    if (cause instanceof FoldwiseError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new FoldwiseError("config.plugin_failed", `Feature plug-in ${written} could not be loaded: ${message}`, {
      remedy: /\.[cm]?ts$/.test(path)
        ? "Compile it to JavaScript, or run it on a Node that strips types (22.18 or newer)."
        : "Mend the module; `node` on it alone shows the same error.",
      cause,
    });
  }
}

/** Only the shape; `defineFeature` checks the values. */
function isFeatureInput(value: unknown): value is FeatureInput {
  return typeof value === "object" && value !== null && "name" in value && "create" in value;
}
