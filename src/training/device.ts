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
  if (definition.kind === "typescript" || config.device === "cpu") return { device: "cpu" };
  const asked = config.device === "cuda";
  const { gpu } = config.training;
  const wanted = asked || settings.device === "cuda" || (gpu.auto_detect && gpu.prefer_gpu && settings.device === null);
  if (!wanted) return { device: "cpu" };
  if (!definition.capabilities.devices.includes("cuda")) {
    return asked
      ? { device: "cpu", notice: `${definition.id} has no CUDA version; it runs on the CPU.` }
      : { device: "cpu" };
  }
  const { devices } = await pool.hello();
  if (devices.includes("cuda")) return { device: "cuda" };
  if (asked) {
    throw new FoldwiseError(
      "usage.no_device",
      "There is no CUDA device here that the engine can use: none, or the engine was built without CUDA.",
      {
        remedy: "Use --device auto or --device cpu; `foldwise doctor` lists the devices.",
        details: { got: "cuda", allowed: devices },
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
