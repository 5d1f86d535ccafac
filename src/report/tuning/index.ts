export {
  encodeTuningReport,
  parseTuningReport,
  type TuningReport,
  type TuningTrial,
  tuningReportJsonSchema,
  tuningReportSchema,
} from "./schema.js";
export { formatTuningBoard, formatTuningReport } from "./text.js";
