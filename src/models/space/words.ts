import type { SearchCondition, SearchDimension, SearchValue } from "../definition.js";

/** A dimension as tables show it: `{ type: "int", range: "2 to 8", scale: "linear" }`. */
export function dimensionWords(dimension: SearchDimension): { type: string; range: string; scale: string } {
  if (dimension.type === "categorical")
    return { type: dimension.type, range: dimension.choices.map(show).join(", "), scale: "–" };
  const { type, low, high, log } = dimension;
  const step = type === "int" && dimension.step !== undefined && dimension.step !== 1 ? ` by ${dimension.step}` : "";
  return { type, range: `${low} to ${high}${step}`, scale: log === true ? "log" : "linear" };
}

/** `model_params.weights is fitted`; three or more neighbouring whole numbers are written as their ends. */
export function conditionWords({ key, in: values }: SearchCondition): string {
  const isRow =
    values.length > 2 && values.every((value, i) => Number.isInteger(value) && value === Number(values[0]) + i);
  return `${key} is ${isRow ? `${values[0]} to ${values.at(-1)}` : values.map(show).join(" or ")}`;
}

const show = (value: SearchValue): string => (typeof value === "string" ? value : JSON.stringify(value));
