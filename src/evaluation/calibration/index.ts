export {
  applyCalibrator,
  CALIBRATOR_KINDS,
  type Calibrator,
  type CalibratorKind,
  isLeastShare,
  LEAST_SHARE,
  softmaxForm,
} from "./calibrator.js";
export {
  type CalibrationChoice,
  type CalibrationChoiceInput,
  type CalibratorScore,
  chooseCalibrator,
} from "./choose.js";
export { crossFitted as crossFittedCalibrator } from "./crossFit.js";
export { type CalibratorFit, fitCalibrator, requireTwoClasses, trainedClasses } from "./fit.js";
export { applyCalibratorForm, applyClassScale, type CalibratorForm } from "./form.js";
export { classwiseEce, ECE_BINS, type ReliabilityBin, reliabilityTable } from "./reliability.js";
