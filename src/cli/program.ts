import { Command } from "commander";
import { packageVersion } from "../files/index.js";
import { auditCommand } from "./audit.js";
import { cvCommand } from "./cv.js";
import { demoCommand } from "./demo.js";
import { demoDataCommand } from "./demo-data.js";
import { doctorCommand } from "./doctor.js";
import { modelsCommand } from "./models.js";
import { predictCommand } from "./predict.js";
import { prepareCommand } from "./prepare.js";
import { reportCommand } from "./report.js";
import { resumeCommand } from "./resume.js";
import { runsCommand } from "./runs.js";
import { trainCommand } from "./train.js";
import { tryCommand } from "./try.js";
import { tuneCommand } from "./tune.js";

/** Every command, in the order of `--help`. */
const COMMANDS: readonly ((program: Command) => void)[] = [
  tryCommand,
  prepareCommand,
  trainCommand,
  cvCommand,
  tuneCommand,
  predictCommand,
  runsCommand,
  reportCommand,
  auditCommand,
  resumeCommand,
  modelsCommand,
  doctorCommand,
  demoCommand,
  demoDataCommand,
];

/** The whole command line; tests and documentation read it too. */
export function buildProgram(): Command {
  const program = new Command("foldwise")
    .description("Train, validate and serve classification models on market bars.")
    .version(packageVersion(), "--version")
    .helpOption("-h, --help", "show help")
    .showSuggestionAfterError()
    .configureHelp({ sortOptions: false });
  for (const add of COMMANDS) add(program);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().showHelpAfterError("Try --help for the options and an example.");
  }
  return program;
}
