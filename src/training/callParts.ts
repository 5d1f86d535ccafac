import type { EnginePool } from "../engine/index.js";
import type { TrainCall } from "./call.js";
import { chooseDevice, settlePrecision } from "./device.js";
import { type EnsembleSettings, type PartSpec, partSpecs } from "./ensemble/index.js";

/** The settings of every model of the call that an ensemble may be made of, each with its device and precision. */
export async function specsOf(
  { models, parts, training }: TrainCall,
  pool: EnginePool,
): Promise<(id: string) => PartSpec> {
  const specs = new Map<string, PartSpec>();
  for (const { definition, settings } of [...models, ...parts]) {
    if (definition.kind === "ensemble") continue;
    const { device } = await chooseDevice(definition, settings, training.config, pool);
    const { model_params, training: section } = await settlePrecision(settings, device, pool);
    specs.set(definition.id, { definition, model_params, training: section, device });
  }
  return (id) => {
    const spec = specs.get(id);
    if (spec === undefined) throw new Error(`${id} was not resolved`);
    return spec;
  };
}

/** What an ensemble of the call is made of; null for other models. */
export async function ensembleOf(
  call: TrainCall,
  { definition, settings }: TrainCall["models"][number],
  pool: EnginePool,
): Promise<Pick<EnsembleSettings, "bases" | "secondLayer" | "meta"> | null> {
  if (definition.kind !== "ensemble") return null;
  const specOf = await specsOf(call, pool);
  const known = [...call.models, ...call.parts].map((each) => each.definition);
  return partSpecs(definition, settings.model_params, { known, others: known, specOf: ({ id }) => specOf(id) });
}

/** Of an ensemble: the mark of a part whose settings were tuned over the rows that the ensemble combines on; null for others. */
export function tunedPart(
  { models, parts }: TrainCall,
  { definition, settings }: TrainCall["models"][number],
): TrainCall["models"][number]["settings"]["tuned"] {
  if (definition.kind !== "ensemble") return null;
  const names = partNames(settings);
  const own = [...models, ...parts].filter((each) => names.includes(each.definition.id));
  return own.find((each) => each.settings.tuned !== null)?.settings.tuned ?? null;
}

const partNames = ({ model_params }: { model_params: Record<string, unknown> }): unknown[] =>
  ["bases", "second_layer", "meta_learner"].flatMap((key) => model_params[key] ?? []);

/** Of an ensemble: the configurations of what it may be made of, which are part of its own. */
export function partSettings(
  { models, parts }: TrainCall,
  { definition, settings }: TrainCall["models"][number],
): unknown {
  if (definition.kind !== "ensemble") return undefined;
  const names = partNames(settings);
  return [...models, ...parts]
    .filter((each) => names.includes(each.definition.id))
    .map((each) => [each.definition.id, each.settings.model_params, each.settings.training]);
}

/** Of an ensemble: everything that it may be made of, which its configuration must hold, too. */
export function partsFor(
  { models, parts }: TrainCall,
  { definition }: TrainCall["models"][number],
): TrainCall["parts"] {
  if (definition.kind !== "ensemble") return [];
  return [...models.filter((each) => each.definition.kind !== "ensemble"), ...parts];
}
