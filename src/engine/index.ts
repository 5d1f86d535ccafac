export { engineCommand } from "./environment/command.js";
export { type DoctorCheck, type DoctorReport, doctorReport } from "./environment/doctor.js";
export { type EngineVersions, installedEngines } from "./environment/packages.js";
export {
  findPython,
  type LookIn,
  locatePython,
  type PythonLocation,
  projectVenv,
  venvPython,
} from "./environment/python.js";
export { createPool, threadsPerWorker } from "./pool/create.js";
export type { EngineModel, EnginePool, PoolOptions, RunOptions } from "./pool/types.js";
export type {
  EngineJob,
  ExportResult,
  FitJob,
  FitRequest,
  FitResult,
  GraphCalibrator,
  HelloResult,
  JobResult,
  PredictResult,
} from "./protocol.js";
export { PROTOCOL_VERSION } from "./protocol.js";
export type { PrunerSpec, SamplerSpec, SpaceDimension, StudySpec } from "./tunerProtocol.js";
export type { JobLog } from "./worker/state.js";
