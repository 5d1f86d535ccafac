export { resumeTune, type TuneRequest, type TuneRunResult, tuneRun } from "./run.js";
