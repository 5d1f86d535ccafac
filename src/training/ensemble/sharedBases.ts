import { rmSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../files/index.js";
import type { FeatureView } from "../../types/index.js";
import type { Base, FitRows } from "./bases.js";
import type { PartSpec } from "./settings.js";

/**
 * Bases that several fits of an ensemble have in common: those on the same rows, which differ only in how they combine. Each is
 * fitted once, and asked once for the same rows.
 */
export interface SharedBases {
  /** The base of these settings, fitted on these rows with this seed; `make` fits it, in a folder of its own. */
  base(spec: PartSpec, rows: FitRows, seed: number, make: (workDir: string) => Promise<Base>): Promise<Base>;
  /** Where stacking's folds of these training rows are kept. */
  foldsOf(train: FeatureView): string;
  /** Fires when nobody needs them any more; one fit that is given up must not take them from the others. */
  readonly signal: AbortSignal | undefined;
  dispose(): Promise<void>;
}

/** @param folder Of their own; removed by `dispose`. */
export function shareBases(folder: string, signal: AbortSignal | undefined): SharedBases {
  const bases = new Map<string, Promise<Base>>();
  return {
    signal,
    base: (spec, rows, seed, make) => {
      const key = keyOf(spec, rows, seed);
      const found = bases.get(key) ?? make(join(folder, key)).then(remembering);
      bases.set(key, found);
      found.catch(() => bases.delete(key));
      return found;
    },
    foldsOf: ({ rows }) => join(folder, "folds", digestOf(rows).slice(0, 32)),
    dispose: async () => {
      for (const made of await Promise.allSettled(bases.values()))
        if (made.status === "fulfilled") await made.value.dispose();
      bases.clear();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What a base has answered it does not work out again. Whoever is done with it leaves it to the others. */
function remembering(base: Base): Base {
  const answers = new Map<string, Promise<Float32Array>>();
  return {
    ...base,
    answer: async (X) => {
      const key = digestOf(X.rows);
      const found = answers.get(key) ?? base.answer(X);
      answers.set(key, found);
      found.catch(() => answers.delete(key));
      // A copy: whoever gets it may change it.
      return (await found).slice();
    },
    dispose: async () => {},
  };
}

function keyOf({ definition, model_params, training }: PartSpec, { X, stop }: FitRows, seed: number): string {
  const how = JSON.stringify([definition.id, model_params, training, seed, digestOf(X.rows), digestOf(stop.rows)]);
  return `${definition.id}_${sha256(how).slice(0, 32)}`;
}

const digestOf = (rows: Int32Array): string => sha256(Buffer.from(rows.slice().buffer));
