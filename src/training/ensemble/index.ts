export { BaseStore, type JobEnd } from "./baseStore.js";
export type { Trainable } from "./bases.js";
export type { BaseFacts, EnsembleFacts } from "./facts.js";
export type { CombinedOn } from "./fitted.js";
export { EnsembleModel } from "./model.js";
export type { EnsembleSettings, PartSpec, ReadyBase } from "./settings.js";
export { type SharedBases, shareBases } from "./sharedBases.js";
export { partSpecs } from "./specs.js";
