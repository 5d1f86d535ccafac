import type { SearchCondition, SearchDimension, SearchValue } from "../definition.js";

/** A dimension that a study draws. */
export interface DrawnDimension {
  /** Dotted path: `model_params.max_depth`. */
  key: string;
  dimension: SearchDimension;
  /** A condition on another drawn dimension, which stands before this one; null: always drawn. */
  when: SearchCondition | null;
}

/**
 * What a study draws of a space that `spaceProblems` finds nothing wrong with: in the order of the space, but a dimension after the
 * one that its condition names. A condition on a key that is no dimension is settled by its configured value (`settings`): the
 * dimension is drawn always, or left out. One whose condition names a dimension that is left out is left out too, and so is one
 * whose configured value is a list: no choice can say it, so drawing another would drop what somebody wrote out.
 */
export function drawnDimensions(
  space: Readonly<Record<string, SearchDimension>>,
  settings: { model_params: Readonly<Record<string, unknown>>; training: Readonly<Record<string, unknown>> },
): DrawnDimension[] {
  const drawn = new Map<string, DrawnDimension>();
  const leftOut = new Set<string>();
  const visit = (key: string, dimension: SearchDimension): void => {
    if (drawn.has(key) || leftOut.has(key)) return;
    const { when } = dimension;
    const other = when === undefined ? undefined : space[when.key];
    if (isList(configured(settings, key))) leftOut.add(key);
    else if (when === undefined) drawn.set(key, { key, dimension, when: null });
    else if (other === undefined) {
      if (meets(when, configured(settings, when.key))) drawn.set(key, { key, dimension, when: null });
      else leftOut.add(key);
    } else {
      visit(when.key, other);
      if (leftOut.has(when.key)) leftOut.add(key);
      else drawn.set(key, { key, dimension, when });
    }
  };
  for (const [key, dimension] of Object.entries(space)) visit(key, dimension);
  return [...drawn.values()];
}

/** Whether a dimension can give `value`. */
export function isWithin(dimension: SearchDimension, value: unknown): boolean {
  if (dimension.type === "categorical") return dimension.choices.some((choice) => choice === value);
  const { low, high } = dimension;
  if (typeof value !== "number" || !(value >= low && value <= high)) return false;
  return dimension.type === "float" || (Number.isInteger(value) && (value - low) % (dimension.step ?? 1) === 0);
}

const isList = (value: unknown): boolean => typeof value === "object" && value !== null;

const meets = (when: SearchCondition, value: unknown): boolean =>
  when.in.some((wanted: SearchValue) => wanted === value);

function configured(
  settings: { model_params: Readonly<Record<string, unknown>>; training: Readonly<Record<string, unknown>> },
  key: string,
): unknown {
  const [section, name = ""] = key.split(".");
  return section === "training" ? settings.training[name] : settings.model_params[name];
}
