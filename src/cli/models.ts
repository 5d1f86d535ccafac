import type { Command } from "commander";
import { resolveTrainingConfig } from "../config/index.js";
import { installedEngines } from "../engine/index.js";
import { installCommand, loadPlugins, ModelRegistry, missingPackages } from "../models/index.js";
import { table } from "../report/index.js";
import { examples, runs } from "./command.js";
import { sharedFlags } from "./flags.js";
import type { Output } from "./output.js";

interface Options {
  plugin?: string[];
}

export function modelsCommand(program: Command): void {
  const command = sharedFlags(
    program.command("models").description("list the models that can be trained, and what is missing for the others"),
    "plugin",
  ).addHelpText(
    "after",
    examples("foldwise models", "foldwise models --plugin examples/plugins/nearest_centroid/nearest_centroid.js"),
  );
  runs<Options>(command, async ({ output, cwd }, { plugin = [] }) => {
    await printModels(output, cwd, plugin);
  });
}

/** Also what `train --list-models` prints. */
export async function printModels(output: Output, cwd: string, plugins: readonly string[]): Promise<void> {
  const { config } = resolveTrainingConfig({ cwd, plugins });
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
