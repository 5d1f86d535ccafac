export { auditDataset, type DatasetAuditOptions } from "./dataset.js";
export { auditRun, type RunAuditOptions } from "./run.js";
export { type Audit, auditJsonSchema, auditSchema } from "./schema.js";
export { formatAudit } from "./text.js";
