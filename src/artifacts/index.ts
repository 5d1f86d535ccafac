export * from "./bundle.js";
export { BUNDLE_FORMAT, type BundleManifest, MANIFEST_NAME } from "./bundleManifest.js";
export type { Decision } from "./decisionManifest.js";
export * from "./openings.js";
export * from "./runCommands.js";
export * from "./runSchema.js";
export * from "./runs.js";
