import { dataError } from "./failure.js";
import type { TableColumn } from "./table.js";

/** Which column of a dataset file means what (design, section 3, "The contract"). Names are the file's own. */
export interface DatasetRoles {
  timestamp: string;
  features: string[];
  /** Ascending; `null` horizon columns do not occur here: a plain `label` has taken the horizon asked for. */
  horizons: number[];
  label: Map<number, string>;
  labelEnd: Map<number, string>;
  weight: Map<number, string>;
  returns: Map<number, string>;
  entryPrice: string | null;
  piece: string | null;
  /** The one column `label` was used: what is stored depends on the horizon asked for. */
  plainLabel: boolean;
  notices: string[];
}

export interface RoleOptions {
  path: string;
  /** The horizon that a plain `label` column takes. */
  horizon?: number;
  /** Rows to predict on need no labels. */
  labelsRequired: boolean;
}

const NEVER_FEATURES = new Set([
  "open",
  "high",
  "low",
  "close",
  "volume",
  "contract",
  "__index_level_0__",
  "unnamed: 0",
]);
const FEATURE_NAME = /^\P{Cc}{1,200}$/u;
const printable = (name: string): string => name.slice(0, 60).replace(/\p{Cc}/gu, "\u{FFFD}");
const BY_HORIZON = /^(label|label_end|sample_weight|return)_h(\d+)$/;
/** Far beyond any use; a number that still counts exactly. */
const MAX_HORIZON = 1_000_000;
const PLAIN = new Set(["label", "label_end", "sample_weight"]);

/** Sorts columns into roles. Reserved names are matched whatever their case, so that `Close` is no feature either. */
export function planRoles(columns: readonly TableColumn[], options: RoleOptions): DatasetRoles {
  const { path } = options;
  const byName = new Map<string, TableColumn>();
  const features: TableColumn[] = [];
  const ofHorizon = new Map<string, Map<number, string>>();
  for (const column of columns) {
    const key = column.name.toLowerCase();
    const match = BY_HORIZON.exec(key);
    if (match !== null) {
      const [, what = "", horizon = ""] = match;
      if (Number(horizon) < 1 || Number(horizon) > MAX_HORIZON)
        throw dataError(
          "data.bad_horizon",
          { path, column: column.name },
          `a horizon is 1 to ${MAX_HORIZON} bars.`,
          "Rename the column.",
        );
      ofHorizon.set(what, (ofHorizon.get(what) ?? new Map()).set(Number(horizon), column.name));
    } else if (PLAIN.has(key) || key === "timestamp" || key === "entry_price" || key === "piece") {
      byName.set(key, column);
    } else if (!NEVER_FEATURES.has(key)) {
      features.push(column);
    }
  }
  const find = (name: string): string | null => byName.get(name)?.name ?? null;
  const timestamp = find("timestamp") ?? pandasIndex(columns);
  if (timestamp === null) {
    throw dataError(
      "data.missing_column",
      { path, column: "timestamp" },
      `a dataset needs this column; the file has: ${columns
        .slice(0, 20)
        .map((column) => column.name)
        .join(", ")}.`,
      "Name the column with the moment at which a row is known (the bar's close, UTC) `timestamp`.",
    );
  }
  const numeric = [...ofHorizon].flatMap(([what, names]) => (what === "label_end" ? [] : [...names.values()]));
  const plain = ["label", "sample_weight", "entry_price", "piece"].flatMap((name) => find(name) ?? []);
  refuseNonNumeric(path, columns, new Set([...numeric, ...plain]), "it must hold numbers");
  const isFeature = new Set(features.map((column) => column.name));
  refuseNonNumeric(path, columns, isFeature, "every column that has no other role is a feature");
  const odd = features.find(({ name }) => !FEATURE_NAME.test(name));
  if (odd !== undefined) {
    throw dataError(
      "data.bad_feature_name",
      { path, column: printable(odd.name) },
      "its name is longer than 200 characters or holds control characters; a bundle could not keep it.",
      "Rename the column.",
    );
  }
  if (features.length === 0) {
    throw dataError(
      "data.no_features",
      { path },
      "there is no feature: every column is a time, a label or a price.",
      "Add numeric feature columns, or make the dataset from bars with `foldwise prepare`.",
    );
  }
  const label = labelColumns(ofHorizon.get("label") ?? new Map(), find("label"), options);
  const horizons = [...label.columns.keys()].sort((a, b) => a - b);
  const one = horizons.length === 1 ? horizons : [];
  const spread = (what: string, plain: string | null, to: readonly number[]): Map<number, string> => {
    const own = ofHorizon.get(what) ?? new Map<number, string>();
    const pairs = horizons.map((h): [number, string | null] => [h, own.get(h) ?? (to.includes(h) ? plain : null)]);
    return new Map(pairs.filter((pair): pair is [number, string] => pair[1] !== null));
  };
  const notices = [...label.notices];
  if (find("label_end") !== null && horizons.length > 1)
    notices.push(`${path}: column "label_end" is not used: with several horizons, name it label_end_h{H}.`);
  return {
    timestamp,
    features: features.map((column) => column.name),
    horizons,
    label: label.columns,
    labelEnd: spread("label_end", find("label_end"), one),
    weight: spread("sample_weight", find("sample_weight"), horizons),
    returns: spread("return", null, []),
    entryPrice: find("entry_price"),
    piece: find("piece"),
    plainLabel: label.plain,
    notices,
  };
}

function labelColumns(
  byHorizon: Map<number, string>,
  plain: string | null,
  { path, horizon, labelsRequired }: RoleOptions,
): { columns: Map<number, string>; plain: boolean; notices: string[] } {
  if (byHorizon.size > 0) {
    const notices = plain === null ? [] : [`${path}: column "label" is not used: there are label_h{H} columns.`];
    return { columns: byHorizon, plain: false, notices };
  }
  if (plain !== null && horizon !== undefined)
    return { columns: new Map([[horizon, plain]]), plain: true, notices: [] };
  if (!labelsRequired) return { columns: new Map(), plain: false, notices: [] };
  if (plain !== null) {
    throw dataError(
      "usage.horizon_required",
      { path, column: plain },
      "this column does not say which horizon it labels.",
      "Name the horizon, or rename the column to label_h{H}, such as label_h20.",
    );
  }
  throw dataError(
    "data.missing_column",
    { path, column: horizon === undefined ? "label_h{H}" : `label_h${horizon}` },
    "there is no label column.",
    "Add label_h{H} with -1, 0, 1 or null, or make the dataset with `foldwise prepare`.",
  );
}

/** pandas writes an unnamed index under this name; a time index is what was meant by `timestamp`. */
function pandasIndex(columns: readonly TableColumn[]): string | null {
  const index = columns.find((column) => column.name === "__index_level_0__");
  return index?.kind.startsWith("time") ? index.name : null;
}

function refuseNonNumeric(
  path: string,
  columns: readonly TableColumn[],
  names: ReadonlySet<string>,
  because: string,
): void {
  for (const { name, kind, type } of columns) {
    if (!names.has(name) || ["float", "number", "integer", "unknown"].includes(kind)) continue;
    throw dataError(
      "data.not_a_number",
      { path, column: name },
      `${because}, and this one holds ${type}.`,
      "Convert it to numbers or remove it.",
    );
  }
}
