import { join } from "node:path";
import type { Run } from "../artifacts/index.js";
import { createPool, type EnginePool } from "../engine/index.js";
import type { TrainCall } from "./call.js";
import type { GridCell } from "./grid.js";

/** The pool of one run, which may be at work before the run has a folder. */
export interface OwnPool {
  pool: EnginePool;
  /** From now on the run's folder has the workers' log. */
  attach: (run: Run) => void;
}

/**
 * As many workers as the call asks for and its cells, each with so many fits, can use. They begin at once to import the engines of the cells' models:
 * that takes a second or two, in which the data is opened.
 */
export function startPool(call: TrainCall, cells: readonly Pick<GridCell, "model">[], cwd: string, fits = 1): OwnPool {
  let logFile: string | null = null;
  const workers = Math.max(1, Math.min(call.training.config.workers, cells.length * fits));
  const pool = createPool({ workers, cwd, logFile: () => logFile });
  const engines = [...call.models, ...call.parts].flatMap(({ definition }) =>
    definition.kind === "engine" &&
    (cells.some(({ model }) => model === definition.id) || call.parts.some((part) => part.definition === definition))
      ? [{ model: definition.id, adapter: definition.adapter }]
      : [],
  );
  pool.warm(engines);
  return {
    pool,
    attach: (run) => {
      logFile = join(run.dir, "engine.log");
    },
  };
}
