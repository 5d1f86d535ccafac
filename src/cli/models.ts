import type { Command } from "commander";
import { examples, runs } from "./command.js";
import { sharedFlags } from "./flags.js";

export interface ModelsOptions {
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
  runs<ModelsOptions>(command, async () => (await import("./actions/models.js")).listModels);
}
