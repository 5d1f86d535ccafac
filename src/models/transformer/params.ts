import { z } from "zod";
import { dropout, neuralTraining } from "../neural.js";

/** `model_params`: names and meanings of torch.nn.TransformerEncoderLayer. */
export const params = z.strictObject({
  d_model: z.int().min(1).max(4096).default(64).describe("Values of a bar between the layers; a multiple of nhead."),
  nhead: z.int().min(1).max(64).default(4).describe("Heads of attention."),
  num_layers: z.int().min(1).max(24).default(3).describe("Layers; together they see the window."),
  dim_feedforward: z.int().min(1).max(16_384).default(128).describe("Width of the layer's inner part."),
  dropout: dropout(0.2),
});

export const training = neuralTraining(60);
