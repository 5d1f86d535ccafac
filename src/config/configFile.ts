import { existsSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "../files/index.js";
import { didYouMean, FoldwiseError } from "../types/index.js";
import { checkFile } from "./loadYaml.js";
import { configFileSchema, modelFileSchema, trainingFileSchema } from "./training.js";
import { isTree } from "./tree.js";
import { readYaml, type YamlFile } from "./yaml/read.js";

/** A file given with `--config`: one model's, or a training file (perhaps with `models:`; a run's `config.yaml` is one). */
export type ConfigFile = { kind: "model"; file: YamlFile } | { kind: "training"; file: YamlFile };

const MODEL_KEYS = Object.keys(modelFileSchema.shape).filter((key) => key !== "training" && key !== "preset");
const TRAINING_KEYS = Object.keys(configFileSchema.shape).filter((key) => key !== "training" && key !== "preset");
const FAMILY_KEYS = Object.keys(trainingFileSchema.shape.training.unwrap().shape);

/** Reads a `--config` file and decides by its keys what it is. The sections of a model are checked later, with the model's schema. */
export function readConfigFile(path: string, name: string = path): ConfigFile {
  const file = readYaml(path, name);
  const kind = kindOf(file);
  checkFile(file, kind === "model" ? modelFileSchema : configFileSchema);
  return { kind, file };
}

/** Reads a model's file whose model need not be registered: any keys below `model_params` and `training`. */
export function loadModelFile(path: string, name: string = path): YamlFile {
  const file = readYaml(path, name);
  checkFile(file, modelFileSchema);
  return file;
}

function kindOf(file: YamlFile): ConfigFile["kind"] {
  const keys = Object.keys(file.value);
  if (keys.some((key) => MODEL_KEYS.includes(key))) return "model";
  if (keys.some((key) => TRAINING_KEYS.includes(key))) return "training";
  const { training } = file.value;
  if (isTree(training)) return Object.keys(training).some((key) => FAMILY_KEYS.includes(key)) ? "training" : "model";
  if (keys.length === 0 || keys.every((key) => key === "preset" || key === "training")) return "training";
  const known = [...MODEL_KEYS, ...TRAINING_KEYS, "training", "preset"];
  const first = keys.find((key) => !known.includes(key)) ?? keys[0]!;
  throw new FoldwiseError(
    "config.unknown_key",
    `${file.position([first], "key")}: unknown key "${first}"${didYouMean(first, known)}`,
    {
      remedy: `A model's file has ${MODEL_KEYS.join(", ")}, training; a training file has ${["training", ...TRAINING_KEYS].join(", ")}.`,
    },
  );
}

/** The shipped `config/` folder, and the person's own where the working folder has another one. */
export function configFolders(cwd: string): { packaged: string; user: string | null } {
  const packaged = join(packageRoot(), "config");
  const own = join(cwd, "config");
  if (!existsSync(own)) return { packaged, user: null };
  return { packaged, user: realpathSync(own) === realpathSync(packaged) ? null : own };
}
