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
      why: "lstm and gru were measured again when their segments were shortened, on a day on which this machine's matrix product had 130 to 160 GFLOP/s (transformer: 211 to 219), tcn in five pairs when its convolutions became single products, on a day on which its seconds were some 1.75 times those of before on both sides (as it was, it took 2.88 s there, some 1/16); ratios compare, seconds do not. The plain loop is faster here than where the targets were set (lstm then took 58–73 s). Of lstm's epoch a quarter is the true windows of validation. tcn's two segments a step train on one core: other counts of threads would give other bits.",
    },
    quality: {
      measure: qualityFigures,
      untimed: true,
      unpaired: true,
      why: "lstm and gru were measured with the shipped patience 20 and 200 epochs, by hand, two fits at a time with a thread each; the shape of their segments was chosen among seven on these same seeds, so that the figures flatter it a little (the lstm's mean hides that 3 of 5 seeds are 0.003 to 0.007 worse and 2 are 0.045 better: whether a fit finds the label's second term decides), tcn and transformer with patience 8 and 60 epochs. gru's dense fits stay on that plateau at the shipped learning rate of 0.001; at 0.003 the two modes had 0.7144 and 0.7049 (+0.0096 ± 0.0094), at 0.002 without a schedule dense had 0.7030. `training.mode: windowed` is there for whoever wants those hundredths.",
    },
    whole: { measure: wholeFigures },
    latency: { measure: latencyFigures, unpaired: true },
  },
});
