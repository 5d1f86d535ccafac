/** Where a model is fitted, by what a machine's engines can use. */
import { tmpdir } from "node:os";
import { describe, expect, it } from "vitest";
import { resolveModelConfig, resolveTrainingConfig } from "../../src/config/index.js";
import { ModelRegistry } from "../../src/models/index.js";
import { chooseDevice, settlePrecision } from "../../src/training/device.js";

const resolved = resolveTrainingConfig({ cwd: tmpdir() });
const { training } = resolved.config;

function choose(
  model: string,
  asked: "auto" | "cpu" | "cuda",
  cuda: Record<string, boolean>,
  gpu: Partial<typeof training.gpu> = {},
) {
  const devices: ("cpu" | "cuda")[] = Object.values(cuda).includes(true) ? ["cpu", "cuda"] : ["cpu"];
  const hello = async () => ({ kind: "hello" as const, versions: {}, devices, cuda, bf16: true, memory_bytes: 1 });
  const config = { device: asked, training: { ...training, gpu: { ...training.gpu, ...gpu } } };
  return chooseDevice(ModelRegistry.getModel(model), { device: null }, config, { hello });
}

describe("a GPU that torch can use and XGBoost cannot", () => {
  const cuda = { xgboost: false, catboost: true, torch: true };

  it("is taken for the sequence models, and left by xgboost", async () => {
    expect(await choose("lstm", "auto", cuda)).toEqual({ device: "cuda" });
    expect(await choose("catboost", "auto", cuda)).toEqual({ device: "cuda" });
    expect(await choose("xgboost", "auto", cuda)).toEqual({ device: "cpu" });
  });

  it("is refused to xgboost by name, and not to lstm", async () => {
    expect(await choose("lstm", "cuda", cuda)).toEqual({ device: "cuda" });
    await expect(choose("xgboost", "cuda", cuda)).rejects.toMatchObject({ code: "usage.no_device" });
  });

  it("is left where it is not asked for", async () => {
    expect(await choose("lstm", "cpu", cuda)).toEqual({ device: "cpu" });
    expect(await choose("lstm", "auto", cuda, { prefer_gpu: false })).toEqual({ device: "cpu" });
    expect(await choose("lstm", "auto", cuda, { auto_detect: false })).toEqual({ device: "cpu" });
  });

  it("is no place for a model without CUDA, and that is said", async () => {
    expect(await choose("logistic", "auto", cuda)).toEqual({ device: "cpu" });
    expect((await choose("logistic", "cuda", cuda)).notice).toMatch(/logistic has no CUDA version/);
  });
});

it("without a GPU everything runs on the CPU, and cuda by name is refused", async () => {
  for (const model of ["lstm", "xgboost", "catboost"]) {
    expect(await choose(model, "auto", {})).toEqual({ device: "cpu" });
    await expect(choose(model, "cuda", {})).rejects.toMatchObject({ code: "usage.no_device" });
  }
});

describe("precision", () => {
  const definition = ModelRegistry.getModel("gru");
  const of = (precision: "auto" | "fp32") =>
    resolveModelConfig(definition, { training: resolved, config: { training: { precision } } });
  const pool = (bf16: boolean) => ({
    hello: async () => ({ kind: "hello" as const, versions: {}, devices: [], cuda: {}, bf16, memory_bytes: 1 }),
  });

  it("auto follows from the hardware, and says so in the configuration", async () => {
    expect((await settlePrecision(of("auto"), "cpu", pool(true))).training.precision).toBe("fp32");
    expect((await settlePrecision(of("auto"), "cuda", pool(false))).training.precision).toBe("fp32");
    const settled = await settlePrecision(of("auto"), "cuda", pool(true));
    expect(settled.training.precision).toBe("bf16");
    expect(settled.provenance["training.precision"]?.from).toMatch(/^auto on this GPU/);
  });

  it("that was asked for stays", async () => {
    expect(await settlePrecision(of("fp32"), "cuda", pool(true))).toEqual(of("fp32"));
  });
});
