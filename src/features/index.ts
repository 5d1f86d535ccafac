export { type CatalogueRow, catalogue, catalogueMarkdown } from "./catalogue.js";
export { checkFeature, type FeatureProblem } from "./check.js";
export { type ComputedFeatures, type ComputeOptions, computeFeatures, featureSteps } from "./compute.js";
export { type FeaturesConfig, type FeaturesConfigInput, featuresConfigSchema } from "./config.js";
export {
  defineFeature,
  FEATURE_GROUPS,
  type FeatureDefinition,
  type FeatureGroup,
  type FeatureInput,
  type FeatureState,
} from "./definition.js";
export {
  type FeaturePlan,
  type LeftOutFeature,
  MAX_WARMUP_SHARE,
  type PlannedFeature,
  type PlanOptions,
  planFeatures,
  planFromSpec,
} from "./plan.js";
export { Scope, shared } from "./scope.js";
export { FeatureStream } from "./stream.js";
export { parseTimeframe } from "./timeframe.js";
