export * from "./load.js";
export * from "./parity.js";
export * from "./predictFile.js";
export * from "./predictionTable.js";
export * from "./predictor.js";
export * from "./stream.js";
export { readWindows, windowEnds } from "./windows.js";
