import { Document, isMap, isScalar, isSeq, visit } from "yaml";
import { packageVersion } from "../files/index.js";
import type { Provenance } from "./layers.js";
import type { ResolvedModel } from "./resolveModel.js";
import type { ResolvedTraining } from "./resolveTraining.js";
import type { Grid } from "./training.js";
import type { Path, Tree } from "./tree.js";

export interface ResolvedRun {
  /** `train`, `cv`, … */
  command: string;
  grid: Grid;
  training: ResolvedTraining;
  models: readonly ResolvedModel[];
}

/**
 * The text of a run's `config.yaml`: everything resolved, each value with the place it came from. Given to `--config` it
 * reproduces the run, whatever the configuration files say by then.
 */
export function renderRunConfig({ command, grid, training, models }: ResolvedRun): string {
  const values: Tree = {
    foldwise: packageVersion(),
    command,
    grid,
    ...training.config,
    models: Object.fromEntries(
      models.map(({ model, preset, model_params, training, tuned, searchSpace }) => {
        // Of tune alone: a later version's space may differ, and other commands draw nothing from it.
        const space =
          command === "tune" && grid.models.includes(model) ? { search_space: { "*": null, ...searchSpace } } : {};
        return [model, { preset, model_params, training, tuned, ...space }];
      }),
    ),
  };
  const document = new Document(values, { aliasDuplicateObjects: false });
  document.commentBefore = ` Everything resolved. Reproduce the run: foldwise ${command} --config THIS_FILE`;
  visit(document, {
    Seq: (_, list) => {
      list.flow = true;
    },
  });
  for (const { model } of models) {
    const space: unknown = document.getIn(["models", model, "search_space"], true);
    if (isMap(space)) for (const { value } of space.items) if (isMap(value)) value.flow = true;
  }
  annotate(document, [], training.provenance);
  for (const { model, provenance } of models) annotate(document, ["models", model], provenance);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

function annotate(document: Document, base: Path, provenance: Provenance): void {
  for (const [key, { layer, from }] of Object.entries(provenance)) {
    const node: unknown = document.getIn([...base, ...key.split(".")], true);
    const comment = layer === "preset" && !from.startsWith("preset") ? ` preset: ${from}` : ` ${from}`;
    if (isScalar(node) || isSeq(node)) node.comment = comment;
  }
}
