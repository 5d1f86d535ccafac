import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { findPython } from "../../src/engine/index.js";
import { packageRoot } from "../../src/files/index.js";

const answer = z.looseObject({ seconds: z.number(), peak_memory_bytes: z.number() });
export type ReferenceAnswer = z.infer<typeof answer>;

/** A Python process of `bench/reference/` that has everything imported and answers one command at a time. */
export class Reference {
  private constructor(
    private readonly process: ChildProcess,
    private readonly lines: AsyncIterator<string>,
  ) {}

  /** Resolves when the process is ready for commands. Its environment is the caller's: the library as a user finds it. */
  static async start(script: string): Promise<Reference> {
    const child = spawn(findPython().python, [join(packageRoot(), "bench", "reference", script)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    if (child.stdout === null) throw new Error("the reference has no output");
    const reference = new Reference(child, createInterface({ input: child.stdout })[Symbol.asyncIterator]());
    await reference.line();
    return reference;
  }

  async run(command: Record<string, unknown>): Promise<ReferenceAnswer> {
    this.process.stdin?.write(`${JSON.stringify(command)}\n`);
    return answer.parse(JSON.parse(await this.line()));
  }

  /** Ends it in the middle of a command; what waits for an answer fails. */
  kill(): void {
    this.process.kill("SIGKILL");
  }

  async close(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exited = once(this.process, "exit");
    this.process.stdin?.end();
    await exited;
  }

  private async line(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (done === true) throw new Error(`the reference ended: ${this.process.spawnargs.join(" ")}`);
    return value;
  }
}
