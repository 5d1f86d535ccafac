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
      why: "Measured by hand (`python -m foldwise_engine.bench`, a quarter of the plain loop's epoch scaled up; lstm, gru, tcn in five pairs; transformer in three, on another machine, before): ours lstm 3.47 3.10 3.50 2.77 2.90, gru 5.25 5.48 4.55 4.40 5.65, tcn 3.89 2.88 2.84 3.45 2.44; plain 50 41 45 40 40, 44 43 43 38 45 and 85 72 69 78 73. The median of lstm's five ratios is 1/13.9. Of its epoch 2.5 s are training, of which two thirds are oneDNN's passes over 6 × 54 bars, near what one core can do: products of six rows are too small to be divided. Segments of 48 answers behind a lead of T/3 would take an eighth less and have 0.7010 against 0.7006 on eight seeds; they need as many more epochs, so they were not taken.",
    },
    quality: {
      measure: qualityFigures,
      untimed: true,
      unpaired: true,
      why: "All four as shipped (patience 20, up to 200 epochs, `plateau` of ten), by hand, two fits at a time with a thread each. Differences by seed: lstm +0.045 +0.007 +0.009 −0.008 −0.003 (one dense fit never finds the label's second term), gru +0.005 +0.004 +0.002 +0.004 +0.011, tcn −0.001 −0.001 +0.002 −0.005 +0.003, transformer +0.002 +0.003 −0.004 +0.002 +0.009 (its segments give the windows' answers to 1e-5, so what differs is which windows share a step). For gru averaged weights, windowed epochs after the dense ones and a larger rate were tried on other seeds and gained nothing. `training.mode: windowed` is there for whoever wants those hundredths.",
    },
    whole: {
      measure: wholeFigures,
      why: "These 640 s and the windows in Node are of an hour in which the machine did everything some 1.8 times slower than in its best (a window of lstm 0.373 ms against 0.202; an epoch of lstm within it 4.6 s against 3.1). On an AMD EPYC the four took 348 s before `plateau` was changed, with the same numbers of epochs (24, 25, 23, 29).",
    },
    latency: { measure: latencyFigures, unpaired: true },
  },
});
