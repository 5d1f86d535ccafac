import { calibrationFigures } from "./ensembles/calibration.js";
import { coverageFigures } from "./ensembles/coverage.js";
import { qualityFigures } from "./ensembles/quality.js";
import { wholeFigures } from "./ensembles/whole.js";
import { partsBench } from "./lib/parts.js";

export const bench = partsBench({
  name: "ensembles",
  summary: "all models in one call, best ensemble against best single model, calibration, coverage of prediction sets",
  usage: "Half an hour in all; a part that was measured on this machine is kept for the table.",
  pairs: 1,
  title: "Ensembles and probabilities",
  introduction:
    "Synthetic MES bars of five minutes, about 180 features, horizon 20, the shipped `market` preset; coverage on made-up answers, 10 000 rows to calibrate and 10 000 to cover, means of 20 seeds.",
  parts: {
    whole: { measure: () => wholeFigures(), unpaired: true },
    quality: { measure: () => qualityFigures(), untimed: true, unpaired: true },
    calibration: { measure: () => calibrationFigures(), untimed: true, unpaired: true },
    coverage: { measure: async () => coverageFigures(), untimed: true, unpaired: true },
  },
});
