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
    epochs: {
      measure: epochFigures,
      why: "The plain loop is faster on this machine than where the targets were set (lstm 24 s an epoch; 58–73 s there). Ours trains a step on one core where its few sequences are too little work for torch's own threads (tcn, transformer); what is left to try is to divide a step's sequences among two threads.",
    },
    quality: {
      measure: qualityFigures,
      untimed: true,
      unpaired: true,
      why: "lstm and gru trained densely carry state from further back than the T bars that they are judged on, and this label depends on exactly 20 bars. Measured with patience 8 and at most 60 epochs, which ended several windowed fits; with the shipped 20 and 200 it was not measured. `training.mode: windowed` is there for whoever wants those last thousandths.",
    },
    whole: { measure: wholeFigures },
    latency: { measure: latencyFigures, unpaired: true },
  },
});
