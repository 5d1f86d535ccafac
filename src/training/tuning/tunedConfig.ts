import { basename } from "node:path";
import { Document, isMap, isScalar, type Pair } from "yaml";
import type { ResolvedModel } from "../../config/index.js";
import { packageVersion } from "../../files/index.js";
import type { TuningReport } from "../../report/index.js";
import { type TuningSpace, valueAt } from "./space.js";

/** What is known of a winner, and where it comes from. */
export interface TunedSettings {
  /** With the winner's values in place. */
  settings: ResolvedModel;
  /** Without tuning. */
  before: ResolvedModel;
  space: TuningSpace;
  report: Omit<TuningReport, "refit" | "files" | "head_line">;
  /** The mark that reports and leaderboards go by. */
  mark: NonNullable<ResolvedModel["tuned"]>;
}

/**
 * The text of `tuned/{job}.yaml`: a model's file that `train --config` takes. It holds what was searched, and what the call had set
 * beside it; everything else stays with the defaults. Where each value comes from stands in comments.
 */
export function renderTuned({ settings, before, space, report, mark }: TunedSettings): string {
  const searched = new Set(space.dimensions.map(({ name }) => name));
  const keep = (section: "model_params" | "training"): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(settings[section]).filter(([key]) => {
        const name = `${section}.${key}`;
        const layer = before.provenance[name]?.layer;
        // A flag of its own sets it, which leaves no trace.
        if (name === "training.seq_len") return true;
        return searched.has(name) || layer === "flag" || layer === "config" || layer === "user";
      }),
    );
  const sections = { model_params: keep("model_params"), training: keep("training") };
  const document = new Document(
    {
      ...(settings.preset === "market" ? {} : { preset: settings.preset }),
      ...Object.fromEntries(Object.entries(sections).filter(([, values]) => Object.keys(values).length > 0)),
      tuned: mark,
    },
    { aliasDuplicateObjects: false },
  );
  document.commentBefore = header(report);
  for (const { name, ...dimension } of space.dimensions) {
    const node: unknown = document.getIn(name.split("."), true);
    if (!isScalar(node)) continue;
    const range =
      dimension.type === "categorical"
        ? dimension.choices.join(" | ")
        : `${dimension.low} … ${dimension.high}${dimension.log ? ", log" : ""}`;
    // Of few trials it says nothing.
    const share = report.counts.complete < 10 ? undefined : report.importance[name];
    const weight = share === undefined ? "" : `; explains ${(100 * share).toFixed(0)} %`;
    node.comment = ` default ${valueAt(before, name)}; searched ${range}${weight}`;
  }
  const { contents } = document;
  if (isMap(contents)) markComment(contents.items as Pair[]);
  return document.toString({ lineWidth: 0 });
}

function markComment(items: readonly Pair[]): void {
  const own = items.find(({ key }) => isScalar(key) && key.value === "tuned");
  if (own !== undefined && isScalar(own.key))
    own.key.commentBefore =
      " Chosen on rows of train and validation: reports say so, and leaderboards do not order it by those rows.";
}

function header(report: TunedSettings["report"]): string {
  const { model_name, symbol, horizon, metric, best, default: own, gain, counts, scheme, study, overfitting } = report;
  const all = counts.complete + counts.pruned + counts.failed;
  const change =
    own === null || gain === null
      ? ""
      : `, defaults ${own.value.toFixed(6)} (${gain.basis} ${gain.difference.toFixed(6)} [${gain.interval.map((bound) => bound.toFixed(6)).join(", ")}]${gain.shown ? "" : ": within noise"})`;
  return [
    ` Tuned by Foldwise ${packageVersion()}: ${model_name} on ${symbol}, horizon ${horizon} bars.`,
    ` Run ${report.run_id}, trial ${best.slot} of ${all} (${counts.complete} complete, ${counts.pruned} pruned), study ${basename(study.file)}`,
    ` Out-of-fold ${metric} ${best.value.toFixed(6)}${change}; ${scheme.description}.`,
    ...(overfitting === null
      ? []
      : [
          ` Probability of backtest overfitting ${overfitting.probability.toFixed(2)}${overfitting.survivors_only ? " (survivors only)" : ""}.`,
        ]),
    ` Use: foldwise train --model ${model_name} --symbol ${symbol} --horizon ${horizon} --config THIS_FILE`,
  ].join("\n");
}
