import {
  type Grid,
  type ResolvedModel,
  type ResolvedTraining,
  resolveModelConfig,
  resolveTrainingConfig,
} from "../config/index.js";
import { type EngineVersions, installedEngines } from "../engine/index.js";
import { checkId } from "../files/index.js";
import {
  ensembleParts,
  installCommand,
  loadPlugins,
  type ModelDefinition,
  ModelRegistry,
  missingPackages,
  partsOf,
  requireAvailable,
} from "../models/index.js";
import { FoldwiseError, type OnEvent } from "../types/index.js";
import { tunedFiles } from "./tunedFiles.js";

/** What a person asks of `train`, before configuration. */
export interface TrainRequest {
  cwd: string;
  /** Model ids or `all`; those of `--config` when absent. */
  models?: readonly string[];
  symbols?: readonly string[];
  horizons?: readonly number[];
  seqLen?: number;
  /** Data folder; null or absent: the default folders. */
  data?: string;
  configFile?: string;
  set?: readonly string[];
  /** Named flags by their configuration key. */
  flags?: Readonly<Record<string, unknown>>;
  plugins?: readonly string[];
  /** Sections of the one model that is asked for; stronger than any file or flag. */
  config?: { model_params?: Record<string, unknown>; training?: Record<string, unknown> };
  /** Leave the test part closed. */
  noTest?: boolean;
  /** Take the settings that the newest run of this folder has tuned for the symbol and horizon. */
  tunedIn?: string;
  onEvent?: OnEvent;
}

/** The same, for a new run. */
export interface TrainRunRequest extends TrainRequest {
  /** Folder of all runs; `experiments/runs` by default. */
  runsDir?: string;
  runId?: string;
  /** The dataset store; `.foldwise/datasets` by default. */
  store?: string;
  verify?: boolean;
  /** Fewer than 500 rows are taken, too. */
  allowSmall?: boolean;
  /** As typed, for `run.json`. */
  command: string;
  signal?: AbortSignal;
}

/** A call with every decision made; `config.yaml` is written from it. */
export interface TrainCall {
  grid: Grid;
  training: ResolvedTraining;
  /** Ensembles last: what they are made of is fitted first. */
  models: { definition: ModelDefinition; settings: ResolvedModel }[];
  /** Models behind ensembles that are not among `models`: they are fitted, but are no jobs. */
  parts: { definition: ModelDefinition; settings: ResolvedModel }[];
  installed: EngineVersions;
  /** What was assumed or left out; told at once, and kept with the run and its reports. */
  notices: string[];
}

/**
 * Resolves configuration, loads plug-ins, and settles which models, symbols and horizons are meant. `all` means all
 * available models and says which are not; a model that is named but unavailable is refused.
 */
export async function resolveCall(request: TrainRequest): Promise<TrainCall> {
  const { cwd, onEvent } = request;
  const training = resolveTrainingConfig({
    cwd,
    configFile: request.configFile,
    set: request.set,
    flags: request.flags,
    plugins: request.plugins,
  });
  await loadPlugins(training.config.plugins, cwd);
  const symbols = request.symbols ?? training.grid.symbols ?? training.config.training.default_symbols;
  for (const symbol of symbols) checkId(symbol, "symbol");
  const horizons = request.horizons ?? training.grid.horizons ?? training.config.training.default_horizons;
  const tuned = request.tunedIn === undefined ? null : tunedFiles(request.tunedIn, { symbols, horizons });
  if (tuned !== null) training.call.tuned = tuned.of;
  const installed = await installedEngines({ cwd });
  const names = request.models ?? training.grid.models ?? ["all"];
  const { definitions, leftOut } = chooseModels(names, installed);
  const partDefinitions = partsOfCall(definitions, { training, request, names, installed, leftOut });
  const resolved = (definition: ModelDefinition, config?: TrainRequest["config"]) => ({
    definition,
    settings: resolveModelConfig(definition, {
      training,
      models: definitions,
      parts: partDefinitions,
      ...(config === undefined ? {} : { config }),
    }),
  });
  const models = definitions.map((definition) => resolved(definition, request.config));
  nameBases(models, installed);
  const parts = partDefinitions.map((definition) => resolved(definition));
  setWindows([...models, ...parts], request.seqLen ?? training.grid.seq_len ?? null);
  const ofModels = [...models, ...parts].flatMap(({ settings }) => settings.notices);
  const named = [...models, ...parts].map(({ definition }) => definition.id);
  const ofTuning = tuned === null ? [] : tuned.notices(named);
  const notices = [...new Set([...leftOut, ...training.notices, ...ofModels, ...ofTuning])];
  for (const message of notices) onEvent?.({ event: "notice", message });
  return {
    grid: {
      models: definitions.map(({ id }) => id),
      symbols: [...symbols],
      horizons: [...horizons],
      seq_len: request.seqLen ?? training.grid.seq_len ?? null,
      data: request.data ?? training.grid.data ?? null,
      test: request.noTest === true ? false : (training.grid.test ?? true),
    },
    training,
    models,
    parts,
    installed,
    notices,
  };
}

/** What an ensemble's `bases: all` means for models of the call, or where it has no others, all that are available. */
function othersOf(definitions: readonly ModelDefinition[], { versions }: EngineVersions): ModelDefinition[] {
  const single = definitions.filter(({ kind }) => kind !== "ensemble");
  if (single.length > 0) return single;
  const known = ModelRegistry.listAll().filter(({ kind }) => kind !== "ensemble");
  return known.filter((model) => missingPackages(model, versions).length === 0);
}

/** `bases: all` becomes their names, so that a configuration says what was fitted. */
function nameBases(models: TrainCall["models"], installed: EngineVersions): void {
  const others = othersOf(
    models.map(({ definition }) => definition),
    installed,
  );
  for (const { settings } of models) {
    if (settings.model_params.bases !== "all") continue;
    settings.model_params = { ...settings.model_params, bases: others.map(({ id }) => id) };
  }
}

/**
 * The models behind the ensembles among `definitions` that are not themselves among them. An ensemble that `all` stands for and whose
 * bases are not all available is taken out of `definitions`, with a word in `leftOut`.
 */
function partsOfCall(
  definitions: ModelDefinition[],
  {
    training,
    request,
    names,
    installed,
    leftOut,
  }: {
    training: ResolvedTraining;
    request: TrainRequest;
    names: readonly string[];
    installed: EngineVersions;
    leftOut: string[];
  },
): ModelDefinition[] {
  const known = ModelRegistry.listAll();
  const others = othersOf(definitions, installed);
  const parts = new Set<ModelDefinition>();
  for (const definition of [...definitions]) {
    if (definition.kind !== "ensemble") continue;
    const { model_params } = resolveModelConfig(definition, {
      training,
      models: definitions,
      parts: known,
      ...(request.config === undefined ? {} : { config: request.config }),
    });
    try {
      const own = partsOf(ensembleParts(definition, model_params, known, others));
      for (const part of own) requireAvailable(part, installed.versions);
      for (const part of own) if (!definitions.includes(part)) parts.add(part);
    } catch (error) {
      if (names.includes(definition.id) || !(error instanceof FoldwiseError) || error.code !== "model.unavailable")
        throw error;
      definitions.splice(definitions.indexOf(definition), 1);
      leftOut.push(`${definition.id} is left out: ${error.message} ${error.remedy ?? ""}`.trim());
    }
  }
  return [...parts];
}

/** `--seq-len` is stronger than any file; it means nothing to models of single rows. */
function setWindows(models: TrainCall["models"], seqLen: number | null): void {
  if (seqLen === null) return;
  for (const { definition, settings } of models) {
    if (definition.capabilities.input === "sequence") settings.training = { ...settings.training, seq_len: seqLen };
  }
}

function chooseModels(
  names: readonly string[],
  installed: EngineVersions,
): { definitions: ModelDefinition[]; leftOut: string[] } {
  const { versions } = installed;
  const chosen = new Map<string, ModelDefinition>();
  const leftOut: string[] = [];
  for (const name of names) {
    if (name !== "all") {
      const definition = ModelRegistry.getModel(name);
      if (definition.kind !== "typescript") refuseWrongPython(installed);
      requireAvailable(definition, versions);
      chosen.set(name, definition);
      continue;
    }
    refuseWrongPython(installed);
    for (const definition of ModelRegistry.listAll()) {
      const missing = missingPackages(definition, versions);
      if (missing.length === 0) chosen.set(definition.id, definition);
      else {
        const command = installCommand(definition);
        leftOut.push(`${definition.id} is left out: ${missing.join(", ")} is not installed; run \`${command}\``);
      }
    }
  }
  const ensembles = (definition: ModelDefinition): number => (definition.kind === "ensemble" ? 1 : 0);
  return { definitions: [...chosen.values()].sort((a, b) => ensembles(a) - ensembles(b)), leftOut };
}

/** Who names an interpreter means it: that it does not run is said, not that its packages are missing. */
function refuseWrongPython({ location, problem }: EngineVersions): void {
  if (location.source !== "override" || problem === null) return;
  throw new FoldwiseError("usage.python", `FOLDWISE_PYTHON names ${location.python}, which does not run: ${problem}.`, {
    remedy: "Correct or unset FOLDWISE_PYTHON; `foldwise doctor` says what is then used.",
  });
}
