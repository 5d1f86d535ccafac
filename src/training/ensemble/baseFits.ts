import { join } from "node:path";
import { toFoldwiseError } from "../../files/index.js";
import { type FeatureView, FoldwiseError } from "../../types/index.js";
import { seqLenOf } from "../sequence.js";
import { type Base, everyOne, type FitRows, fitBase, servedBase } from "./bases.js";
import type { CombineContext } from "./combination.js";
import { type Rows, withWindow } from "./rows.js";
import type { EnsembleSettings, PartSpec } from "./settings.js";

/** Fits the bases of one ensemble, or finds them fitted, and knows which of them were left out. */
export class BaseFits {
  readonly dropped: { name: string; why: string }[] = [];

  constructor(
    private readonly ensemble: EnsembleSettings,
    /** Of the ensemble. */
    private readonly model_params: Record<string, unknown>,
    private readonly context: CombineContext,
  ) {}

  /** `windowless: drop_base` leaves out bases that cannot answer every row. */
  withWindows(fresh: FeatureView): PartSpec[] {
    const { bases } = this.ensemble;
    if (this.model_params.windowless !== "drop_base") return bases;
    return bases.filter((spec) => {
      const seqLen = seqLenOf(spec.definition, spec.training);
      const lost = fresh.rows.length - withWindow(fresh, seqLen).rows.length;
      if (lost > 0) this.#drop(spec, `${lost} of the rows to combine on end no full window of its ${seqLen} bars`);
      return lost === 0;
    });
  }

  #drop({ definition }: PartSpec, why: string): void {
    if (this.dropped.some(({ name }) => name === definition.id)) return;
    this.dropped.push({ name: definition.id, why });
    this.ensemble.onNotice?.(`The base ${definition.id} is left out: ${why}`);
  }

  /** Drops a base that failed, where the configuration wants that; else throws, naming it. */
  failed(spec: PartSpec, cause: unknown): void {
    if (this.context.signal?.aborted) throw cause;
    const { code, message, remedy, details } = toFoldwiseError(cause);
    if (this.model_params.on_base_failure === "drop") {
      this.#drop(spec, message);
      return;
    }
    throw new FoldwiseError(code, `The base ${spec.definition.id}: ${message}`, {
      remedy: `${remedy ?? "See the run's engine.log."} Or leave it out: --set model_params.on_base_failure=drop`,
      details: { ...details, base: spec.definition.id },
      cause,
    });
  }

  requireTwo(bases: readonly unknown[]): void {
    if (bases.length >= 2) return;
    throw new FoldwiseError(
      "data.bases_failed",
      `${bases.length === 0 ? "No base is" : "One base is"} left: ${this.dropped.map(({ name, why }) => `${name}: ${why}`).join("; ")}`,
      { remedy: "Mend what failed, or name other bases (model_params.bases)." },
    );
  }

  async fit(
    specs: readonly PartSpec[],
    {
      train,
      stop,
      fresh,
      onShare,
    }: { train: Rows; stop: Rows; fresh: Rows; onShare: (b: number, share: number) => void },
  ): Promise<Base[]> {
    const { ready } = this.ensemble;
    const rows: FitRows = { X: train.X, y: train.y, weights: train.weights, stop: stop.X, yStop: stop.y };
    const { features } = train.X.dataset.manifest;
    const { symbol, horizon } = this.context.origin;
    const fitted = new Map<PartSpec, Base>();
    const fitOne = async (spec: PartSpec, b: number): Promise<void> => {
      const workDir = join(this.context.workDir, "bases", spec.definition.id);
      try {
        const { shared } = this.ensemble;
        const make = (workDir: string, context: CombineContext): Promise<Base> =>
          fitBase(spec, context, {
            rows,
            workDir,
            foreseen: fresh.X,
            onProgress: ({ step, total }) => onShare(b, step / total),
          });
        const base =
          ready === undefined
            ? shared === undefined
              ? await make(workDir, this.context)
              : await shared.base(spec, rows, this.context.seed, (dir) =>
                  make(dir, { ...this.context, signal: shared.signal }),
                )
            : await servedBase(spec, await ready(spec), { features, symbol, horizon });
        fitted.set(spec, base);
        onShare(b, 1);
      } catch (cause) {
        this.failed(spec, cause);
      }
    };
    try {
      await everyOne(specs.map((spec, b) => () => fitOne(spec, b)));
      this.requireTwo([...fitted.keys()]);
    } catch (error) {
      for (const base of fitted.values()) await base.dispose();
      throw error;
    }
    return specs.flatMap((spec) => fitted.get(spec) ?? []);
  }
}
