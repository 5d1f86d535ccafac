/** SYMBOLS_GUIDE.md and LABELS_GUIDE.md, followed word for word in an empty folder: what they show is what comes out. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { emptyFolder } from "../e2e/cli.js";
import { succeeds } from "../e2e/fixture.js";
import { blocks, guides, words } from "./guides.js";

const guideOf = (name: string) => guides().find(({ path }) => path.endsWith(name))!;
const commandsOf = (name: string): string[][] =>
  blocks(guideOf(name), "sh")
    .flatMap((block) => block.trim().split("\n"))
    .map((line) => words(line).slice(1));

let cwd: string;
beforeAll(() => {
  cwd = emptyFolder();
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe("LABELS_GUIDE.md", () => {
  it("shows what `prepare` prints", async () => {
    const [demo, ...prepares] = commandsOf("LABELS_GUIDE.md");
    const [, ...shown] = blocks(guideOf("LABELS_GUIDE.md"), "text");
    expect(prepares).toHaveLength(shown.length);
    await succeeds(demo!, { cwd });
    for (const [i, args] of prepares.entries()) expect((await succeeds(args, { cwd })).stdout).toContain(shown[i]);
  });
});

/** Five-minute bars of the hours and the closed days that the guide describes, stamped with their open on Berlin's clock. */
function berlinBars(): string {
  const lines = ["time,open,high,low,close,volume"];
  let close = 20_000;
  for (let day = Date.UTC(2024, 10, 25); day < Date.UTC(2025, 0, 11); day += 86_400_000) {
    const date = new Date(day).toISOString().slice(0, 10);
    const weekend = [0, 6].includes(new Date(day).getUTCDay());
    if (weekend || ["2024-12-25", "2024-12-26", "2025-01-01"].includes(date)) continue;
    const last = date === "2024-12-30" ? 14 * 60 : 22 * 60;
    for (let minute = 70; minute < last; minute += 5) {
      const open = close;
      close = open + 12 * Math.sin(lines.length * 0.7) + 9 * Math.sin(lines.length * 0.031);
      const time = new Date(day + minute * 60_000).toISOString().slice(0, 16).replace("T", " ");
      lines.push([time, open, Math.max(open, close) + 3, Math.min(open, close) - 3, close, 100 + (minute % 7)].join());
    }
  }
  return `${lines.join("\n")}\n`;
}

describe("SYMBOLS_GUIDE.md", () => {
  it("adds a symbol in ten lines, whose hours and holidays `prepare` then knows", async () => {
    const [yaml = ""] = blocks(guideOf("SYMBOLS_GUIDE.md"), "yaml");
    expect(yaml.trim().split("\n").length).toBeLessThanOrEqual(10);
    mkdirSync(join(cwd, "config"));
    writeFileSync(join(cwd, "config", "symbols.yaml"), yaml);
    writeFileSync(join(cwd, "fdax.csv"), berlinBars());
    const [prepare] = commandsOf("SYMBOLS_GUIDE.md");
    const { stdout } = await succeeds(prepare!, { cwd });
    const shown = blocks(guideOf("SYMBOLS_GUIDE.md"), "text")[0]!.trimEnd().split("\n");
    expect(stdout.split("\n")).toEqual(expect.arrayContaining(shown));
  });
});
