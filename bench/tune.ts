import { partsBench } from "./lib/parts.js";
import { DEFAULT_ROWS } from "./tune/data.js";
import { killFigures } from "./tune/kills.js";
import { overheadFigures } from "./tune/overhead.js";
import { prunedFigures } from "./tune/pruned.js";
import { samplerFigures } from "./tune/sampler.js";
import { scriptFigures } from "./tune/script.js";

export const bench = partsBench({
  name: "tune",
  summary:
    "tuning: overhead, pruning (by folds, and by rounds) and shared data, a plain Optuna script, kills, TPE against random",
  usage: `More than half an hour in all; a part that was measured on this machine is kept for the table.
  --small: 2 000 rows and ten trials, to try it; such figures are not kept. --rows 73000: a table of its own.`,
  pairs: 1,
  title: "Tuning",
  small: true,
  rows: DEFAULT_ROWS,
  introduction:
    "Synthetic MES bars of five minutes, 180 features, horizon 20; lightgbm, purged 3-fold cross-validation, one worker with both cores, at most 1 000 rounds, stopped after 50 without a better loss.",
  parts: {
    overhead: { measure: overheadFigures },
    pruned: { measure: (options) => prunedFigures(options, "race") },
    rounds: { measure: (options) => prunedFigures(options, "median") },
    script: { measure: scriptFigures },
    kills: { measure: killFigures, untimed: true, unpaired: true },
    sampler: { measure: samplerFigures, untimed: true, unpaired: true },
  },
});
