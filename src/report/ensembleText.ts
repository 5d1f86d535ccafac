import type { Report } from "./schema.js";
import { figure, table, whole } from "./table.js";

const COMBINATIONS: Record<string, string> = {
  soft_vote: "Weighted mean of probabilities",
  hard_vote: "Shares of the votes, smoothed",
  shrunk_logistic: "Multinomial logistic on log-probabilities, held towards equal weights",
  model: "Answer of a model",
};

/** How an ensemble combines, what each base is worth, and how alike their errors are; empty for other models. */
export function ensembleText({ ensemble }: Report): string {
  if (ensemble === null) return "";
  const { bases, layer, error_correlation: correlation } = ensemble;
  const weights = bases.some(({ weight }) => weight !== null);
  const coefficients = bases.some((base) => base.coefficients !== null);
  const numbers = (values: readonly number[] | null): string =>
    values?.map((value) => figure(value, 3)).join(" ") ?? "–";
  const header = [
    "base",
    ...(weights ? ["weight"] : []),
    ...(coefficients ? ["coefficient"] : []),
    "calibrate log-loss",
    "adds",
    ...bases.map(({ model }) => model),
  ];
  const lines = bases.map((base, b) => [
    base.model,
    ...(weights ? [base.weight === null ? "–" : figure(base.weight, 3)] : []),
    ...(coefficients ? [numbers(base.coefficients)] : []),
    figure(base.log_loss),
    base.adds === null ? "–" : figure(base.adds),
    ...correlation[b]!.map((value) => (value === null ? "–" : figure(value, 2))),
  ]);
  return [
    `${COMBINATIONS[ensemble.combination] ?? ensemble.combination}${learned(ensemble)}.`,
    ...(layer.length > 0 ? [`Between bases and answer: ${layer.map(({ model }) => model).join(", ")}.`] : []),
    table([header, ...lines]).trimEnd(),
    "adds: rise of the log-loss without the base. Right of it: correlation of the bases' losses, row by row.",
    ...bases
      .filter(({ source }) => source.startsWith("run "))
      .map(({ model, source }) => `${model} is taken from ${source}: the same fit.`),
    ...ensemble.dropped.map(({ model, why }) => `${model} was left out: ${why}`),
    ...(ensemble.windowless > 0
      ? [
          `${whole(ensemble.windowless)} training rows end no full window of every base; nothing was learned from them to combine by.`,
        ]
      : []),
  ].join("\n");
}

function learned({ learned_on: on, rows, effective_labels: labels, reason }: NonNullable<Report["ensemble"]>): string {
  if (reason !== null) return `, ${reason}`;
  if (on === "nothing") return ", by given weights";
  const where = on === "calibrate" ? "calibrate rows" : "training rows, answered out of fold";
  return `, learned on ${whole(rows)} ${where}, worth ${whole(labels)} labels`;
}
