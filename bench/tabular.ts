import { partsBench } from "./lib/parts.js";
import { fitFigures, horizonFigures, memoryFigures } from "./tabular/fit.js";
import { latencyFigures } from "./tabular/latency.js";
import { marketFigure } from "./tabular/market.js";
import { svmFigures } from "./tabular/svm.js";
import { sixFigure, wholeFigures } from "./tabular/train.js";

export const bench = partsBench({
  name: "tabular",
  summary: "the six tabular models against their libraries alone: fits, horizons, one train call, memory, latency",
  usage: "Half an hour in all; a part that was measured on this machine is kept for the table.",
  pairs: 5,
  title: "The six tabular models",
  introduction:
    "0.2 s are allowed beside the ratios of times. 73 000 training rows × 180 features; the shipped `market` preset on both sides.",
  parts: {
    fit: { measure: ({ pairs }) => fitFigures(pairs) },
    horizons: {
      measure: ({ pairs }) => horizonFigures(pairs),
      why: "catboost: a pool cannot be given other labels, so the four fits share their borders only, 0.25 s of some 11 s each, of which a tenth of a second is what answers, importance and files cost.",
    },
    svm: { measure: ({ pairs }) => svmFigures(pairs) },
    six: { measure: async ({ pairs }) => [await sixFigure(pairs)] },
    whole: { measure: ({ pairs }) => wholeFigures(pairs) },
    memory: { measure: ({ pairs }) => memoryFigures(pairs), untimed: true },
    latency: { measure: () => latencyFigures(), unpaired: true },
    prepare: { measure: async ({ pairs }) => [await marketFigure(pairs)] },
  },
});
