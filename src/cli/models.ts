import type { Command } from "commander";
import { commaList, examples, runs } from "./command.js";
import { sharedFlags } from "./flags.js";

export interface ModelsOptions {
  space?: string[];
  config?: string;
  plugin?: string[];
}

export function modelsCommand(program: Command): void {
  const command = sharedFlags(
    program
      .command("models")
      .description("list the models that can be trained, and what is missing for the others")
      .option("--space <names>", "show what tuning may change of these models, comma-separated, or `all`", commaList),
    "config",
    "plugin",
  ).addHelpText(
    "after",
    examples(
      "foldwise models",
      "foldwise models --space lightgbm,voting",
      "foldwise models --plugin examples/plugins/nearest_centroid/nearest_centroid.js",
    ),
  );
  runs<ModelsOptions>(command, async ({ space }) =>
    space === undefined
      ? (await import("./actions/models.js")).listModels
      : (await import("./actions/searchSpace.js")).showSearchSpaces,
  );
}
