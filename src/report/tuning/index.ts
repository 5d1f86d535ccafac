export {
  encodeTuningReport,
  parseTuningReport,
  type TuningReport,
  type TuningTrial,
  tuningReportJsonSchema,
  tuningReportSchema,
} from "./schema.js";
export { formatTuningBoard, formatTuningReport, metricName } from "./text.js";
