import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Files by the processor time that they take, the longest first, so that no core idles while the last one runs. Vitest knows
 * durations only of earlier runs, which a fresh checkout has not. A file that is not named comes behind; the list is no
 * promise, and need not be kept to the second.
 */
const LONGEST = [
  "e2e/package",
  "conformance/conformance",
  "e2e/allModels",
  "conformance/leak",
  "e2e/ensembles",
  "e2e/trainTwice",
  "e2e/tuneRefused",
  "e2e/tuneNested",
  "e2e/tune",
  "e2e/tuneAll",
  "e2e/strangers",
  "e2e/train",
  "e2e/cv",
  "e2e/resumeEpochs",
  "scripts/engines",
  "e2e/attainable",
  "e2e/resumeKilled",
  "e2e/resume",
  "e2e/worker",
  "e2e/predict",
  "e2e/badDataset",
  "e2e/fullDisk",
  "e2e/trainPlugin",
  "e2e/calibration",
  "e2e/warm",
];

const rank = ({ moduleId }: TestSpecification): number => {
  const place = LONGEST.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`));
  return place < 0 ? LONGEST.length : place;
};

export default class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
