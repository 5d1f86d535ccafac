export * from "./batches.js";
export * from "./distributions.js";
export { type OpenedBase, openBase } from "./ensemble.js";
export * from "./load.js";
export * from "./parity.js";
export * from "./predictFile.js";
export * from "./predictionTable.js";
export * from "./predictor.js";
export * from "./streaming.js";
