import type { Report } from "./schema.js";
import { figure, table } from "./table.js";

/**
 * Models side by side, a table for each symbol and horizon, in the order of their log-loss on the `calibrate` rows, which no
 * fit has seen: never of their test figures, which stand beside. A verdict is of the test rows, or marked `(cal.)`. The prior alone has its own line; where reports of several runs are
 * given, each carries its run's id, also in a table of one run alone.
 * A model whose settings were tuned over validation rows has no place in that order: it stands below, marked.
 * Reports whose calibrate rows differ (other data, another embargo) are not compared: they get tables of their own.
 */
export function formatLeaderboard(reports: readonly Report[]): string {
  const groups = new Map<string, Report[]>();
  for (const report of reports) {
    const { rows, from, to } = report.rows.calibrate;
    const key = JSON.stringify([report.symbol, report.horizon, report.data.fingerprint, rows, from, to]);
    groups.set(key, [...(groups.get(key) ?? []), report]);
  }
  const severalRuns = new Set(reports.map((report) => report.run_id)).size > 1;
  return [...groups.values()].map((group) => formatGroup(group, severalRuns)).join("\n");
}

interface Line {
  name: string;
  tuned: boolean;
  calibrate: number;
  cells: string[];
}

/** On the test rows; `(cal.)` where those were not opened and the verdict is of the calibrate rows. */
function verdictOf({ verdict, test }: Report): string {
  const said = verdict === "YES" ? "yes" : verdict === "NO" ? "no" : "not shown";
  return test === null ? `${said} (cal.)` : said;
}

function formatGroup(reports: Report[], severalRuns: boolean): string {
  const first = reports[0]!;
  const lines: Line[] = reports.map((report) => ({
    name: `${report.model_name}${severalRuns ? ` (${report.run_id ?? "no run"})` : ""}${report.tuned === null ? "" : " *"}`,
    tuned: report.tuned !== null,
    calibrate: report.validation.calibrate.metrics.log_loss,
    cells: [
      figure(report.test?.metrics.log_loss ?? null),
      figure(report.test?.metrics.accuracy ?? null),
      figure(report.test?.metrics.mcc ?? null),
      verdictOf(report),
    ],
  }));
  const priorTest = reports.find((report) => report.test !== null)?.test?.prior.metrics;
  lines.push({
    name: "(prior only)",
    tuned: false,
    calibrate: first.validation.calibrate.prior.metrics.log_loss,
    cells: [
      figure(priorTest?.log_loss ?? null),
      figure(priorTest?.accuracy ?? null),
      figure(priorTest?.mcc ?? null),
      "–",
    ],
  });
  lines.sort((a, b) => Number(a.tuned) - Number(b.tuned) || a.calibrate - b.calibrate || (a.name < b.name ? -1 : 1));
  const synthetic = first.synthetic ? ", SYNTHETIC data" : "";
  const header = ["model", "calibrate log-loss ▲", "test log-loss", "test accuracy", "test MCC", "beats the prior?"];
  const note = lines.some(({ tuned }) => tuned)
    ? "* settings tuned over validation rows: its calibrate log-loss is too good, so it is not placed by it; see its out-of-fold or nested figure (foldwise tune)\n"
    : "";
  return `${first.symbol}, horizon ${first.horizon} bars${synthetic}\n${table([
    header,
    ...lines.map(({ name, calibrate, cells }) => [name, figure(calibrate), ...cells]),
  ])}\n${note}`;
}
