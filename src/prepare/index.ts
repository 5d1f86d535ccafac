export { type PrepareConfig, prepareConfigSchema, prepareJsonSchema, resolveHorizons } from "./config.js";
export { formatSummary } from "./format.js";
export type { HorizonSummary } from "./label-rows.js";
export { loadFeaturePlugins } from "./plugins.js";
export { type Layout, type PrepareOptions, prepareDataset } from "./prepare.js";
export { type RemadeRows, remakeFromBars } from "./remake.js";
export { type FeatureRows, type RowsOptions, rowsFromBars, rowsFromBarsFile } from "./rows.js";
export { type PartSummary, type PrepareSummary, summaryToJson } from "./summary.js";
