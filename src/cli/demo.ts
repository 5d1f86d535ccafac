import type { Command } from "commander";
import { examples, runs } from "./command.js";

export interface DemoOptions {
  out: string;
}

export function demoCommand(program: Command): void {
  const command = program
    .command("demo")
    .description("the guided tour: prepare real and synthetic bars, train, compare with the prior, predict in Node")
    .option("--out <dir>", "everything goes below this folder", "demo")
    .addHelpText("after", examples("foldwise demo", "foldwise demo --out /tmp/foldwise-demo"));
  runs<DemoOptions>(command, async () => (await import("./actions/demo.js")).demo);
}
