export { buildReport, encodeReport, metricsJson, parseReport } from "./build.js";
export * from "./cv/index.js";
export type { CalibrationFacts, ReportInput, ReportPart, ScoredPart, SequenceFacts } from "./input.js";
export { formatLeaderboard } from "./leaderboard.js";
export { type MetricsJson, type PartReport, type Report, reportJsonSchema, reportSchema } from "./schema.js";
export * from "./selection/index.js";
export { table } from "./table.js";
export { formatReport } from "./text.js";
export type { TradingInput } from "./trading.js";
