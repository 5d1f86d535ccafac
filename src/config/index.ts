export { type ConfigFile, configFolders, loadModelFile, readConfigFile } from "./configFile.js";
export { displayPath } from "./displayPath.js";
export { type FileConfigRequest, resolveFileConfig } from "./fileConfig.js";
export { jsonSchemas, modelJsonSchema } from "./jsonSchemas.js";
export type { LayerName, Provenance, Source } from "./layers.js";
export { loadYaml } from "./loadYaml.js";
export { type ModelRequest, type ResolvedModel, resolveModelConfig } from "./resolveModel.js";
export {
  type ResolvedTraining,
  resolveTrainingConfig,
  type TrainingRequest,
} from "./resolveTraining.js";
export { type ResolvedRun, renderRunConfig } from "./runConfig.js";
export { parseSet, type Setting } from "./settings.js";
export { renderModelYaml, renderTrainingYaml } from "./shipped.js";
export { type SymbolMarket, symbolMarket, symbolsJsonSchema } from "./symbols.js";
export {
  type Grid,
  type TrainingConfig,
  type TunedMark,
  type TuningConfig,
  timeoutMs,
  trainingFileSchema,
} from "./training.js";
export { parseYaml, readYaml, type YamlFile } from "./yaml/read.js";
