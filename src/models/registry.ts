import { didYouMean, FoldwiseError } from "../types/index.js";
import { BUILTIN } from "./builtin.js";
import { checkDefinition } from "./check.js";
import type { ModelDefinition, ModelFamily } from "./definition.js";

/**
 * The models that can be trained, by id, in the order of registration.
 * The static methods are the process's registry, which begins with the built-in models; an instance is a registry of
 * its own (empty unless given definitions).
 */
export class ModelRegistry {
  static readonly shared = new ModelRegistry(BUILTIN);
  readonly #models = new Map<string, ModelDefinition>();

  constructor(definitions: readonly ModelDefinition[] = []) {
    for (const definition of definitions) this.register(definition);
  }

  /** Adds a model. Throws `model.duplicate` for a name that is taken, `model.bad_definition` for one that cannot work. */
  register(definition: ModelDefinition): void {
    checkDefinition(definition);
    if (this.#models.has(definition.id)) {
      throw new FoldwiseError("model.duplicate", `A model named "${definition.id}" is already registered.`, {
        remedy: "Give the model another id.",
        details: { model: definition.id },
      });
    }
    this.#models.set(definition.id, definition);
  }

  /** The definition registered as `id`. Throws `model.unknown`, naming the nearest and all valid names. */
  getModel(id: string): ModelDefinition {
    const found = this.#models.get(id);
    if (found !== undefined) return found;
    const known = [...this.#models.keys()];
    throw new FoldwiseError("model.unknown", `There is no model named ${JSON.stringify(id)}${didYouMean(id, known)}`, {
      remedy: `Use one of: ${known.join(", ")}.`,
      details: { got: id, allowed: known },
    });
  }

  getFamily(id: string): ModelFamily {
    return this.getModel(id).family;
  }

  listAll(): ModelDefinition[] {
    return [...this.#models.values()];
  }

  static register(definition: ModelDefinition): void {
    ModelRegistry.shared.register(definition);
  }

  /** See the method of the same name. */
  static getModel(id: string): ModelDefinition {
    return ModelRegistry.shared.getModel(id);
  }

  static getFamily(id: string): ModelFamily {
    return ModelRegistry.shared.getFamily(id);
  }

  static listAll(): ModelDefinition[] {
    return ModelRegistry.shared.listAll();
  }
}
