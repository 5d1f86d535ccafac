import type { ModelDefinition } from "../models/index.js";
import { unknownSetting } from "./layers.js";
import { checkModelId } from "./modelFiles.js";
import { candidateKeys } from "./resolveTraining.js";
import type { Setting } from "./settings.js";
import { dotted } from "./tree.js";

/**
 * The `--set` keys that concern this model, without their `models.{id}.` prefix, which makes them stronger than the same key
 * without it. Throws for a key that no model of the call has.
 */
export function settingsFor(
  definition: ModelDefinition,
  settings: readonly Setting[],
  models: readonly ModelDefinition[],
): Setting[] {
  const own = settings.flatMap((setting) => {
    const [first, id = "", ...rest] = setting.path;
    if (first === "models") {
      checkModelId(id, models, setting.source);
      if (id !== definition.id) return [];
      if (!hasKey(definition, rest)) {
        throw unknownSetting(
          setting,
          candidateKeys().map((key) => `models.${id}.${key}`),
        );
      }
      return [{ ...setting, path: rest }];
    }
    if (hasKey(definition, setting.path)) return [setting];
    if (models.some((other) => hasKey(other, setting.path))) return [];
    throw unknownSetting(setting, candidateKeys());
  });
  const named = (setting: Setting): boolean => setting.source.startsWith("--set models.");
  return own.filter(
    (setting) => named(setting) || !own.some((other) => named(other) && dotted(other.path) === dotted(setting.path)),
  );
}

function hasKey({ params, training, ignoredKeys, oldSpellings }: ModelDefinition, path: readonly string[]): boolean {
  const [section, key = ""] = path;
  const whole = dotted(path);
  if (whole in ignoredKeys || oldSpellings.some((spelling) => spelling.key === whole)) return true;
  return section === "model_params" ? key in params.shape : section === "training" && key in training.shape;
}
