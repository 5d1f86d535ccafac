import { createPool, type EnginePool } from "../../src/engine/index.js";
import type { StoredDataset } from "../../src/types/index.js";
import { type FitCase, fitOurs, fitReference, referenceOf } from "./fits.js";
import { Reference } from "./reference.js";

interface Side {
  pair: number;
  pool: EnginePool;
  reference: Reference;
}

/**
 * A warm worker and a warm process of the library alone, both started anew for each pair. Two processes of one program differ
 * by up to 3 % for as long as they live, by where their memory happens to lie; pairs within one process never average that out.
 */
export class Sides {
  #side: Side | null = null;

  /** @param warmUp A small fit, on rows that no pair has: what it costs is starting up. */
  constructor(
    private readonly dataset: StoredDataset,
    private readonly warmUp: FitCase,
  ) {}

  async pool(pair: number): Promise<EnginePool> {
    return (await this.#of(pair)).pool;
  }

  async reference(pair: number): Promise<Reference> {
    return (await this.#of(pair)).reference;
  }

  async close(): Promise<void> {
    await this.#side?.pool.close();
    await this.#side?.reference.close();
    this.#side = null;
  }

  async #of(pair: number): Promise<Side> {
    if (this.#side?.pair === pair) return this.#side;
    await this.close();
    const side = {
      pair,
      pool: createPool({ workers: 1 }),
      reference: await Reference.start(referenceOf(this.warmUp.model)),
    };
    this.#side = side;
    await fitOurs(side.pool, this.dataset, this.warmUp);
    await fitReference(side.reference, this.dataset, this.warmUp);
    return side;
  }
}
