import { spawn } from "node:child_process";
import { join } from "node:path";
import { type DoctorCheck, type DoctorReport, doctorReport, projectVenv } from "../../engine/index.js";
import { isCheckout, packageRoot } from "../../files/index.js";
import { table } from "../../report/index.js";
import type { CommandContext } from "../command.js";
import type { DoctorOptions } from "../doctor.js";

export async function doctor({ output, cwd }: CommandContext, options: DoctorOptions): Promise<number> {
  if (options.install !== undefined) {
    const code = await install(cwd, options.install === true ? "base" : String(options.install));
    if (code !== 0) return code;
  }
  const report = await doctorReport({ cwd });
  output.print(formatDoctor(report));
  output.result({ event: "finished", status: report.ok ? "succeeded" : "failed", ...report });
  return report.ok ? 0 : 1;
}

/** A checkout keeps its environment in `.venv`, a project that installed the package in `.foldwise/venv`. */
function install(cwd: string, group: string): Promise<number> {
  const root = packageRoot();
  const venv = isCheckout(root) ? join(root, ".venv") : projectVenv(cwd);
  return new Promise((resolve, reject) => {
    const args = [join(root, "scripts", "install-engines.mjs"), venv, group];
    const child = spawn(process.execPath, args, { stdio: ["ignore", process.stderr, process.stderr] });
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

/** Neither a checkout nor a project has the command on the path. */
const HERE = `The command is typed ${isCheckout() ? "./bin/foldwise" : "npx foldwise"} here.`;

/** An optional part that is not there is nothing to shout about. */
function stateOf({ status, required }: DoctorCheck): string {
  if (status === "ok") return "ok";
  return status === "missing" && !required ? "absent" : status.toUpperCase();
}

function formatDoctor({ ok, python, checks, machine }: DoctorReport): string {
  const gib = (machine.memoryBytes / 2 ** 30).toFixed(0);
  const rows = checks.map((check) => [
    stateOf(check),
    check.group === null || check.group === "base" ? check.name : `${check.name} (${check.group}, optional)`,
    check.found ?? "—",
    check.status === "ok" || check.wanted === null ? "" : `wanted ${check.wanted}`,
    [check.detail, check.remedy].filter((text) => text !== null).join(" "),
  ]);
  return [
    table(rows, "words"),
    "",
    `Python: ${python.python} (${python.source})`,
    `Machine: ${machine.platform}, ${machine.cores} cores, ${gib} GiB, devices: ${machine.devices.join(", ") || "none"}`,
    ok ? "All that is required is there." : `Something that is required is missing or broken; see above. ${HERE}`,
  ].join("\n");
}
