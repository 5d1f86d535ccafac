import { type Command, Option } from "commander";
import { examples, runs } from "./command.js";

/** The locks of `engine/locks` that an installation may hold; every other stands on the first. */
const GROUPS = ["base", "neural"];

export interface DoctorOptions {
  install?: boolean | string;
}

export function doctorCommand(program: Command): void {
  const command = program
    .command("doctor")
    .description("say what is installed, missing or broken, with the command that mends it")
    .addOption(
      new Option("--install [group]", "install the engines first: base, or neural too (torch)").choices(GROUPS),
    )
    .addHelpText("after", examples("foldwise doctor", "foldwise doctor --install", "foldwise doctor --install neural"));
  runs<DoctorOptions>(command, async () => (await import("./actions/doctor.js")).doctor);
}
