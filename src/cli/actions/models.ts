import { resolveTrainingConfig } from "../../config/index.js";
import { installedEngines } from "../../engine/index.js";
import { installCommand, loadPlugins, ModelRegistry, missingPackages } from "../../models/index.js";
import { table } from "../../report/index.js";
import type { CommandContext } from "../command.js";
import type { ModelsOptions } from "../models.js";

/** Also what `train --list-models` prints. */
export async function listModels(
  { output, cwd }: CommandContext,
  { config: configFile, plugin = [] }: ModelsOptions,
): Promise<void> {
  const { config } = resolveTrainingConfig({ cwd, configFile, plugins: plugin });
  await loadPlugins(config.plugins, cwd);
  const { versions } = await installedEngines({ cwd });
  const models = ModelRegistry.listAll().map((definition) => {
    const missing = missingPackages(definition, versions);
    return { definition, missing, remedy: missing.length === 0 ? null : `run \`${installCommand(definition)}\`` };
  });
  output.print(
    table(
      [
        ["model", "family", "status", "what"],
        ...models.map(({ definition, missing, remedy }) => [
          definition.id,
          definition.family,
          remedy === null ? "available" : `unavailable: ${missing.join(", ")} missing; ${remedy}`,
          definition.title,
        ]),
      ],
      "words",
    ),
  );
  output.result({
    event: "finished",
    status: "succeeded",
    models: models.map(({ definition, missing, remedy }) => ({
      model: definition.id,
      family: definition.family,
      title: definition.title,
      available: remedy === null,
      missing,
      remedy,
    })),
  });
}
