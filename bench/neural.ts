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
    "73 000 training windows × 180 features, 7 800 windows of validation; `--preset reference` (lstm, gru: hidden 128, 2 layers; tcn: 64 channels, 4 blocks, kernel 3; transformer: d 128, 8 heads, 3 layers), batch 256, fp32. The plain loop (`engine/foldwise_engine/bench/plain.py`) has the same sizes. Rates count a weight three times a bar computed, forward and back: more than is done of tcn and transformer, whose layers shed bars, and without attention's products.",
  parts: {
    epochs: {
      measure: epochFigures,
      why: "lstm was measured by hand in seven pairs (`python -m foldwise_engine.bench --models lstm --pairs 7 --share 0.25`: a quarter of the plain loop's epoch, scaled up), transformer in three likewise. Of lstm's epoch 1.9 s are training: oneDNN's passes over 3 × 54 bars on either core, which bring the weights into another order each time and compute a gradient of the bars that nobody needs.",
    },
    quality: {
      measure: qualityFigures,
      untimed: true,
      unpaired: true,
      why: "All four as shipped (patience 20, up to 200 epochs, `plateau` of ten), by hand, two fits at a time with a thread each. Differences by seed: lstm +0.005 −0.006 +0.005 −0.032 −0.017 (windowed fit 3 never finds the label's second term; before steps were computed in halves it was a dense one: +0.0098 ± 0.0093), gru +0.007 +0.004 +0.016 +0.003 +0.014, transformer +0.001 +0.000 −0.002 −0.002 +0.002, tcn −0.001 −0.001 +0.002 −0.005 +0.003 (before; its dense fits have 0.7276 now). The transformer's segments give the windows' answers to 1e-5, so what differs is which windows share a step: with segments of 128 answers, two a step, it was +0.0017 ± 0.0012 on these seeds and +0.0013 ± 0.0011 on twelve others; with 32, eight a step, it is +0.0004 ± 0.0010 on those (32 less 128, all seventeen: −0.0011 ± 0.0010; 64 answers had been no better than 128 on five more, 0.6571 against 0.6554). In cross-validation on real bars (three seeds of five folds) 32 were better than 128 on the S&P 500's days and ETH/BTC 5m (log-loss −0.006, −0.019) and worse on an altcoin 1m (+0.007). What gru lacks is a clock: the label depends on exactly 20 bars and a window begins 30 back, so a windowed fit can count. On two other sets (seeds 30, 33) a windowed fit whose windows are of 20 to 30 bars, another number each step, has 0.6987; dense it is 0.6950, windowed (all of 30) 0.6855. With hidden 128 in the place of 32 it is the same (+0.007 and +0.006 on two sets). Other segments (10 answers behind 25 bars, 16 behind 15), rates (5e-4, 2e-3), batches (128, 512), more dropout or weight decay, averaged weights, windowed epochs after the dense ones, and losses weighed by how near an answer's memory is to a window's length gained nothing on other seeds, nor did other segments for lstm (26 behind 15, 16 behind 20: 0.6983 and 0.6981 against 0.6995, as fast). Gates that begin with long memories (Tallec and Ollivier 2018) bring dense gru from 0.714 to 0.702 and lstm from 0.700 to 0.688 on seeds 30 to 33 (windowed ones further: to 0.685 and 0.679), but in cross-validation on real bars they lost in five of six (S&P 500 daily, ETH/BTC 5m, an altcoin 1m; three seeds of five folds; lstm −0.015 +0.017 +0.010, gru +0.010 +0.017 +0.019), so they are not taken. `training.mode: windowed` is there for whoever wants gru's hundredth.",
    },
    whole: {
      measure: wholeFigures,
    },
    latency: { measure: latencyFigures, unpaired: true },
  },
});
