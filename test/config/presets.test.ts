import { describe, expect, it } from "vitest";
import { namedLayer } from "../../src/config/layers.js";
import { hiddenByPreset } from "../../src/config/presets.js";

describe("a shipped value that the preset hides", () => {
  const preset = [namedLayer("preset", { model_params: { max_depth: 4, gamma: 0 } }, "preset market")];
  const notices = (model_params: Record<string, unknown>): string[] =>
    hiddenByPreset(namedLayer("package", { model_params }, "config/models/xgboost.yaml:5:3"), preset, "market");

  it("is said, with what to do, since somebody who edits that file in a checkout would wonder", () => {
    expect(notices({ max_depth: 8 })).toEqual([
      "config/models/xgboost.yaml:5:3: model_params.max_depth has no effect: preset market sets it to 4. " +
        "Change it under presets: market, with --set, or in a config/ folder of your own.",
    ]);
  });

  it("is not said where nothing differs", () => {
    expect(notices({ max_depth: 4, max_bin: 64 })).toEqual([]);
  });
});
