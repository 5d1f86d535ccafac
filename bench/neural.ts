import { partsBench } from "./lib/parts.js";
import { epochFigures } from "./neural/epochs.js";
import { latencyFigures } from "./neural/latency.js";
import { qualityFigures } from "./neural/quality.js";
import { wholeFigures } from "./neural/train.js";

export const bench = partsBench({
  name: "neural",
  summary: "the four sequence models against a plain windowed loop: epochs, quality, whole fits, memory, latency",
  usage: `About an hour in all, most of it in the plain loop; a part that was measured on this machine is kept for the table.
  --small: 2 000 rows in the place of 73 000, to try it; such figures are not kept.
  On a machine without Node: python -m foldwise_engine.bench --help`,
  pairs: 3,
  title: "The four sequence models",
  small: true,
  introduction:
    "73 000 training windows × 180 features, 7 800 windows of validation; `--preset reference` (lstm, gru: hidden 128, 2 layers; tcn: 64 channels, 4 blocks, kernel 3; transformer: d 128, 8 heads, 3 layers), batch 256, fp32. The plain loop (`engine/foldwise_engine/bench/plain.py`) has the same sizes.",
  parts: {
    epochs: { measure: epochFigures },
    quality: { measure: qualityFigures, untimed: true },
    whole: { measure: wholeFigures },
    latency: { measure: latencyFigures },
  },
});
