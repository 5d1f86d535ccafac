import { z } from "zod";
import { dropout, neuralTraining } from "../neural.js";

/** `model_params`. The number of blocks and their dilations follow from the window: as far back as fits into it. */
export const params = z.strictObject({
  channels: z.int().min(1).max(4096).default(32).describe("Channels of every block."),
  kernel_size: z.int().min(2).max(15).default(3).describe("Bars that one convolution sees."),
  dropout: dropout(0.2),
});

export const training = neuralTraining(60);
