export * from "./bundle.js";
export { BUNDLE_FORMAT, type BundleManifest, MANIFEST_NAME, parseManifest } from "./bundleManifest.js";
export type { Decision } from "./decisionManifest.js";
export { type Combiner, type EnsembleManifest, PART_FOLDERS, type PartFolder } from "./ensembleManifest.js";
export * from "./openings.js";
export * from "./runCommands.js";
export * from "./runSchema.js";
export * from "./runs.js";
