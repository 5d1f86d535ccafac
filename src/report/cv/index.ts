export { buildCvReport, type CvReportInput, encodeCvReport, parseCvReport } from "./build.js";
export { type CvReport, cvReportJsonSchema, cvReportSchema, type FoldReport, foldReportSchema } from "./schema.js";
export { formatCvLeaderboard, formatCvReport } from "./text.js";
