import { z } from "zod";
import { demoSourcePath } from "../data/demo/index.js";
import { readRegular } from "../files/index.js";

const sidecar = z.looseObject({ synthetic: z.literal(true) });

/** Whether a file of bars is marked as made by the demo generator, by the sidecar that `demo-data` writes. */
export function isSynthetic(path: string): boolean {
  try {
    return sidecar.safeParse(JSON.parse(readRegular(demoSourcePath(path)))).success;
  } catch {
    // No sidecar, or one of somebody else's: the bars make no claim to be synthetic.
    return false;
  }
}
