import { partsBench } from "./lib/parts.js";
import { fitFigure, memoryFigure, rowFigure } from "./spine/fit.js";
import { prepareFigure } from "./spine/prepare.js";
import { storeFigures } from "./spine/store.js";

export const bench = partsBench({
  name: "spine",
  summary: "the table of the spine: fit, store, one row, memory and prepare, against the libraries alone",
  usage: "A few minutes in all; a part that was measured on this machine is kept for the table.",
  pairs: 5,
  title: "The spine",
  introduction: "0.2 s are allowed beside the ratios of times.",
  parts: {
    fit: { measure: async ({ pairs }) => [await fitFigure(pairs)] },
    store: { measure: ({ pairs }) => storeFigures(pairs) },
    row: { measure: async () => [await rowFigure()], unpaired: true },
    memory: { measure: async ({ pairs }) => [await memoryFigure(pairs)], untimed: true },
    prepare: { measure: async ({ pairs }) => [await prepareFigure(pairs)] },
  },
});
