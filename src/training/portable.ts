import { basename, isAbsolute } from "node:path";
import { displayPath } from "../config/index.js";
import type { TrainCall } from "./call.js";

/** The call without paths of this machine: bundles are passed on, and whoever has one has other folders. */
export function portableCall(call: TrainCall, cwd: string): TrainCall {
  const portable = (path: string): string => withoutFolders(displayPath(path, cwd));
  const { grid, training } = call;
  const withoutPaths = (models: TrainCall["models"]): TrainCall["models"] =>
    models.map(({ definition, settings }) => ({
      definition,
      settings: { ...settings, provenance: withoutOrigins(settings.provenance) },
    }));
  return {
    ...call,
    grid: { ...grid, data: grid.data === null ? null : portable(grid.data) },
    training: {
      ...training,
      config: { ...training.config, plugins: training.config.plugins.map(portable) },
      provenance: withoutOrigins(training.provenance),
    },
    models: withoutPaths(call.models),
    parts: withoutPaths(call.parts),
  };
}

type Provenance = TrainCall["training"]["provenance"];

/** The names of files that lie elsewhere on this machine are enough. */
const withoutOrigins = (provenance: Provenance): Provenance =>
  Object.fromEntries(
    Object.entries(provenance).map(([key, origin]) => [key, { ...origin, from: withoutFolders(origin.from) }]),
  );

const withoutFolders = (path: string): string => (isAbsolute(path) ? basename(path) : path);
