import { z } from "zod";
import { dropout, neuralTraining } from "../neural.js";

/** `model_params`: names and meanings of torch.nn.LSTM. */
export const params = z.strictObject({
  hidden_size: z.int().min(1).max(4096).default(64).describe("Values of the state of each layer."),
  num_layers: z.int().min(1).max(16).default(2).describe("Layers, one on top of the other."),
  dropout: dropout(0.3),
});

export const training = neuralTraining(30);
