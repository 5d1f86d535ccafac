import { type ResolvedModel, resolveModelConfig, resolveTrainingConfig } from "../../config/index.js";
import {
  conditionWords,
  dimensionWords,
  drawnDimensions,
  isWithin,
  loadPlugins,
  ModelRegistry,
  type SearchDimension,
} from "../../models/index.js";
import { table } from "../../report/index.js";
import type { CommandContext } from "../command.js";
import type { ModelsOptions } from "../models.js";

/** `foldwise models --space`: what tuning may change, after the configuration files. */
export async function showSearchSpaces(
  { output, cwd }: CommandContext,
  { space: names = [], config: configFile, plugin = [] }: ModelsOptions,
): Promise<void> {
  const training = resolveTrainingConfig({ cwd, configFile, plugins: plugin });
  await loadPlugins(training.config.plugins, cwd);
  const all = ModelRegistry.listAll();
  const models = names.includes("all") ? all : names.map((name) => ModelRegistry.getModel(name));
  const spaces = models.map((definition) => {
    const settings = resolveModelConfig(definition, { training, models });
    return { model: definition.id, title: definition.title, dimensions: dimensionsOf(settings) };
  });
  output.print(
    spaces
      .map(({ model, title, dimensions }) => {
        const heading = `${model}: ${title}`;
        return dimensions.length === 0
          ? `${heading}\nNothing is tuned: search_space of its file may name dimensions.`
          : `${heading}\n${spaceTable(dimensions)}`;
      })
      .join("\n\n"),
  );
  output.result({
    event: "finished",
    status: "succeeded",
    models: spaces.map(({ model, dimensions }) => ({
      model,
      search_space: Object.fromEntries(
        dimensions.map(({ key, dimension, value, isDrawn }) => [
          key,
          { ...dimension, default: value, default_within: isWithin(dimension, value), drawn: isDrawn },
        ]),
      ),
    })),
  });
}

interface Row {
  key: string;
  dimension: SearchDimension;
  /** What is configured: the first trial's. */
  value: unknown;
  /** False where a configured value rules the dimension out. */
  isDrawn: boolean;
}

function dimensionsOf({ searchSpace, model_params, training }: ResolvedModel): Row[] {
  const sections: Record<string, Record<string, unknown>> = { model_params, training };
  const drawn = new Set(drawnDimensions(searchSpace, { model_params, training }).map(({ key }) => key));
  return Object.entries(searchSpace).map(([key, dimension]) => {
    const [section = "", name = ""] = key.split(".");
    return { key, dimension, value: sections[section]?.[name], isDrawn: drawn.has(key) };
  });
}

function spaceTable(rows: readonly Row[]): string {
  return table(
    [
      ["dimension", "type", "range", "scale", "default", "condition"],
      ...rows.map(({ key, dimension, value, isDrawn }) => {
        const { type, range, scale } = dimensionWords(dimension);
        const shown = typeof value === "string" ? value : JSON.stringify(value);
        const condition = dimension.when === undefined ? "" : `where ${conditionWords(dimension.when)}`;
        const ruledOut = condition === "" ? "not drawn: a list is configured" : `${condition} (it is not)`;
        return [
          key,
          type,
          range,
          scale,
          isWithin(dimension, value) ? shown : `${shown} (outside)`,
          isDrawn ? condition : ruledOut,
        ];
      }),
    ],
    "words",
  );
}
