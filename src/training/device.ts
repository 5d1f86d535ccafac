import type { ResolvedModel, TrainingConfig } from "../config/index.js";
import type { EnginePool } from "../engine/index.js";
import type { ModelDefinition } from "../models/index.js";
import { FoldwiseError } from "../types/index.js";

export type Device = "cpu" | "cuda";

/**
 * Where a model is fitted. `cuda` by name must be there; `auto` means what the model's own old spelling asks for
 * (`gpu_hist`), else CUDA when `gpu` looks for it, prefers it, it is there, and the model can use it.
 */
export async function chooseDevice(
  definition: ModelDefinition,
  settings: Pick<ResolvedModel, "device">,
  config: Pick<TrainingConfig, "device" | "training">,
  pool: Pick<EnginePool, "hello">,
): Promise<{ device: Device; notice?: string }> {
  if (definition.kind !== "engine" || config.device === "cpu") return { device: "cpu" };
  const asked = config.device === "cuda";
  const { gpu } = config.training;
  const wanted = asked || settings.device === "cuda" || (gpu.auto_detect && gpu.prefer_gpu && settings.device === null);
  if (!wanted) return { device: "cpu" };
  if (!definition.capabilities.devices.includes("cuda")) {
    return asked
      ? { device: "cpu", notice: `${definition.id} has no CUDA version; it runs on the CPU.` }
      : { device: "cpu" };
  }
  const { devices, cuda } = await pool.hello();
  if (devices.includes("cuda") && definition.engine.packages.every((name) => cuda[name] !== false)) {
    return { device: "cuda" };
  }
  if (asked) {
    throw new FoldwiseError(
      "usage.no_device",
      `There is no CUDA device here that ${definition.id} can use: none, or its engine was built without CUDA.`,
      {
        remedy: "Use --device auto or --device cpu; `foldwise doctor` lists the devices.",
        details: { got: "cuda", allowed: ["cpu"] },
      },
    );
  }
  return settings.device === "cuda"
    ? {
        device: "cpu",
        notice: `${definition.id}: its settings ask for CUDA, but there is no such device; it runs on the CPU.`,
      }
    : { device: "cpu" };
}

/**
 * The settings with `precision: auto` decided: bf16 on a GPU that computes in it, else fp32. It changes results, so it follows
 * from the hardware alone, and a bundle's configuration names what it was.
 */
export async function settlePrecision(
  settings: ResolvedModel,
  device: Device,
  pool: Pick<EnginePool, "hello">,
): Promise<ResolvedModel> {
  const source = settings.provenance["training.precision"];
  if (settings.training.precision !== "auto" || source === undefined) return settings;
  const precision = device === "cuda" && (await pool.hello()).bf16 ? "bf16" : "fp32";
  const from = `auto on ${device === "cuda" ? "this GPU" : "the CPU"}: ${source.from}`;
  return {
    ...settings,
    training: { ...settings.training, precision },
    provenance: { ...settings.provenance, "training.precision": { ...source, from } },
  };
}
