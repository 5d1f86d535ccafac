import type { NpyData, NpyDtype } from "../files/index.js";
import { type DatasetManifest, NO_LABEL, type PartName, type RowRange, type Timestamps } from "../types/index.js";
import { ColumnCollector } from "./column-collector.js";
import * as rules from "./dataset-columns.js";
import { dataError } from "./failure.js";
import { toInt64 } from "./int64.js";
import type { DatasetFiles } from "./locate.js";
import type { DatasetMeta } from "./meta.js";
import { partsOfSeries, partsOfSplits } from "./parts.js";
import type { RawDataset } from "./raw-dataset.js";
import type { DatasetRoles } from "./roles.js";
import { formatStamp } from "./stamps.js";
import { medianStep } from "./steps.js";

/** What the manifest says beyond where the data came from. */
export type ConvertedDataset = Omit<DatasetManifest, "format" | "fingerprint" | "sources" | "checksums">;

/** Keeps one array of the store, (N). */
export type SaveArray = <D extends NpyDtype>(name: string, dtype: D, data: NpyData<D>) => void;

/** Applies the contract's rules to whole columns, saves the results and says what was filled in. */
export function assembleDataset(
  raw: RawDataset,
  roles: DatasetRoles,
  source: DatasetFiles,
  meta: DatasetMeta | null,
  save: SaveArray,
): ConvertedDataset {
  const path = source.files[0]!;
  refuseOverlap(raw, roles.timestamp);
  const stamps = concatenated(raw.stamps);
  const cut = cutInParts(source, stamps, raw.ranges, meta);
  const step = medianStep(stamps);
  save("t", "<i8", toInt64(stamps));
  const labelEnd: DatasetManifest["labelEnd"] = {};
  for (const horizon of roles.horizons) labelEnd[horizon] = saveHorizon(horizon, raw, roles, stamps, step, save);
  if (roles.entryPrice !== null)
    save("entry_price", "<f8", rules.finiteOrMissing(roles.entryPrice, raw.column(roles.entryPrice), raw.place));
  const piece =
    roles.piece === null
      ? rules.piecePerFile(raw.ranges)
      : rules.piecesOf(roles.piece, raw.column(roles.piece), raw.place);
  save("piece", "<i4", piece);
  return {
    symbol: source.symbol,
    layout: source.layout,
    rows: stamps.length,
    features: roles.features,
    horizons: roles.horizons,
    parts: cut.parts,
    medianStep: step,
    barTime: meta?.pipeline?.barTime ?? null,
    labelEnd,
    weights: Object.fromEntries(roles.horizons.map((h) => [h, roles.weight.has(h) ? "given" : "missing"])),
    returns: [...roles.returns.keys()],
    hasEntryPrice: roles.entryPrice !== null,
    notices: [...roles.notices, ...cut.notices, ...filled(path, raw, roles, labelEnd)],
    pipeline: meta?.pipeline ?? null,
  };
}

/** Labels, ends, weights and returns of one horizon; answers whether the ends were in the file. */
function saveHorizon(
  horizon: number,
  { column, endColumn, place, tables }: RawDataset,
  roles: DatasetRoles,
  stamps: Timestamps,
  step: number,
  save: SaveArray,
): "given" | "derived" {
  const labelColumn = roles.label.get(horizon)!;
  const labels = rules.labelsOf(labelColumn, column(labelColumn), place);
  if (!labels.some((label) => label !== NO_LABEL)) {
    const where = { path: tables[0]!.file.path, column: labelColumn };
    throw dataError("data.no_labels", where, "no row has a label.", "Fill in the labels, or remove the column.");
  }
  save(`y_h${horizon}`, "|i1", labels);

  const end = roles.labelEnd.get(horizon);
  const ends =
    end === undefined
      ? rules.derivedEnds(horizon, labels, stamps, step)
      : rules.givenEnds(end, endColumn(end), labels, stamps, place);
  save(`t_end_h${horizon}`, "<i8", toInt64(ends));

  const weight = roles.weight.get(horizon);
  const weights =
    weight === undefined
      ? new Float32Array(stamps.length).fill(1)
      : rules.weightsOf(weight, column(weight), labels, place);
  save(`w_h${horizon}`, "<f4", weights);

  const returns = roles.returns.get(horizon);
  if (returns !== undefined)
    save(`r_h${horizon}`, "<f4", Float32Array.from(rules.finiteOrMissing(returns, column(returns), place)));
  return end === undefined ? "derived" : "given";
}

function refuseOverlap({ stamps, tables }: RawDataset, column: string): void {
  for (let k = 1; k < stamps.length; k++) {
    const [last, first] = [stamps[k - 1]!.at(-1)!, stamps[k]![0]!];
    if (first > last) continue;
    throw dataError(
      "data.parts_overlap",
      { path: tables[k]!.file.path, row: 1, column, value: formatStamp(first) },
      `it begins at ${formatStamp(first)}, not after the end of ${tables[k - 1]!.file.path}, ${formatStamp(last)}.`,
      "Train, val and test must follow each other in time without a shared row.",
    );
  }
}

function cutInParts(
  source: DatasetFiles,
  stamps: Timestamps,
  files: readonly RowRange[],
  meta: DatasetMeta | null,
): { parts: Record<PartName, RowRange>; notices: string[] } {
  if (source.layout === "splits") return { parts: partsOfSplits(files), notices: [] };
  return partsOfSeries(stamps, meta, source.files[0]!);
}

/** What the reader had to fill in, or found odd. */
function filled(path: string, raw: RawDataset, roles: DatasetRoles, labelEnd: DatasetManifest["labelEnd"]): string[] {
  const notices: string[] = [];
  const derived = roles.horizons.filter((horizon) => labelEnd[horizon] === "derived");
  if (derived.length > 0)
    notices.push(
      `${path}: no label_end for horizon ${derived.join(", ")}: taken as the timestamp that many rows on. ` +
        "If labels end later than that, purging cannot see it.",
    );
  if (roles.piece === null) notices.push(`${path}: no piece column: windows may cross any gap in time within a file.`);
  const constants = raw.constants.map((j) => roles.features[j]);
  if (constants.length > 0)
    notices.push(`${path}: constant feature${constants.length > 1 ? "s" : ""}, kept: ${constants.join(", ")}.`);
  return notices;
}

function concatenated(parts: readonly Float64Array[]): Float64Array {
  const collector = new ColumnCollector();
  for (const part of parts) collector.add(part);
  return collector.whole();
}
