import { partsBench } from "./lib/parts.js";
import { auditFigures } from "./purged/audit.js";
import { cvFigures } from "./purged/cv.js";
import { splittingFigures } from "./purged/splitting.js";

export const bench = partsBench({
  name: "validation",
  summary: "splitters at a million rows, a purged 5-fold cross-validation against five direct fits, and the audit",
  usage: "Ten minutes in all; a part that was measured on this machine is kept for the table.",
  pairs: 3,
  title: "Validation",
  introduction: "0.2 s are allowed beside the ratios of times.",
  parts: {
    splitting: { measure: async ({ pairs }) => splittingFigures(pairs) },
    cv: { measure: ({ pairs }) => cvFigures(pairs) },
    audit: { measure: ({ pairs }) => auditFigures(pairs) },
  },
});
