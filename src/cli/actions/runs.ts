import { DEFAULT_RUNS, Run, runsFlag } from "../../artifacts/index.js";
import { formatCvLeaderboard, formatLeaderboard, formatTuningBoard, table } from "../../report/index.js";
import type { CommandContext } from "../command.js";
import type { RunsOptions } from "../runs.js";

export async function listRuns({ output, args }: CommandContext, options: RunsOptions): Promise<void> {
  const folder = options.runs ?? DEFAULT_RUNS;
  if (args.length > 0) {
    // Only a comparison needs what training needs.
    const { readReports } = await import("../../training/index.js");
    const read = args.map((id) => readReports(Run.open(folder, id)));
    const trained = read.flatMap((run) => (run.kind === "train" ? run.reports : []));
    const crossValidated = read.flatMap((run) => (run.kind === "cv" ? run.reports : []));
    const tuned = read.flatMap((run) => (run.kind === "tune" ? run.reports : []));
    const reports = [...trained, ...crossValidated, ...tuned];
    if (reports.length === 0) output.print("None of these runs has a finished model.");
    if (trained.length > 0) output.print(formatLeaderboard(trained));
    if (crossValidated.length > 0) output.print(formatCvLeaderboard(crossValidated));
    if (tuned.length > 0) output.print(formatTuningBoard(tuned));
    output.result({ event: "finished", status: "succeeded", reports });
    return;
  }
  const listed = Run.list(folder);
  const all = listed.map(({ standing }) => standing);
  const damaged = Run.damaged(folder);
  output.print(
    all.length + damaged.length === 0
      ? `No runs in ${folder}. Begin with: foldwise train --model all${runsFlag(folder)}`
      : table(
          [
            ["run", "status", "jobs", "created", "command"],
            ...all.map(({ run_id, status, jobs, created, command }) => [
              run_id,
              status,
              `${jobs.filter((job) => job.status === "succeeded").length}/${jobs.length}`,
              created.slice(0, 19).replace("T", " "),
              command,
            ]),
          ],
          "words",
        ),
  );
  for (const run of listed)
    if (run.standing.status === "interrupted")
      output.print(`Run ${run.id} was interrupted; continue: ${run.resumeCommand}`);
  for (const { id, reason } of damaged) output.print(`damaged: ${id}: ${reason}`);
  output.result({ event: "finished", status: "succeeded", runs: all, damaged });
}
