export * from "./availability.js";
export { BUILTIN } from "./builtin.js";
export * from "./definition.js";
export { type EnsembleParts, ensembleParts, partsOf } from "./ensemble/bases.js";
export { SHRUNK_LOGISTIC } from "./ensemble/params.js";
export * from "./plugins.js";
export * from "./registry.js";
