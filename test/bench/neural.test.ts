/** The half of the bench that runs without Node has its own copy of the sizes: they are those of the `reference` presets. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, it } from "vitest";
import { z } from "zod";
import { resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { findPython } from "../../src/engine/index.js";
import { packageRoot } from "../../src/files/index.js";
import { ModelRegistry } from "../../src/models/index.js";

const program = `
import json
from foldwise_engine.bench.data import LENGTHS, PARAMS
print(json.dumps({"lengths": LENGTHS, "params": PARAMS}))
`;

it("measures the reference presets, at the default lengths of windows", () => {
  const cwd = join(packageRoot(), "engine");
  const text = execFileSync(findPython().python, ["-c", program], { cwd, encoding: "utf8" });
  const { lengths, params } = z
    .object({
      lengths: z.record(z.string(), z.number()),
      params: z.record(z.string(), z.record(z.string(), z.unknown())),
    })
    .parse(JSON.parse(text));
  const training = resolveTrainingConfig({ cwd, flags: { preset: "reference" } });
  for (const model of ["lstm", "gru", "tcn", "transformer"]) {
    const resolved = resolveModelConfig(ModelRegistry.getModel(model), { training });
    expect(params[model]).toEqual(resolved.model_params);
    expect(lengths[model]).toBe(resolved.training.seq_len);
  }
});
