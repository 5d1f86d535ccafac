import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { buildProgram } from "../../src/cli/index.js";
import { prepareConfigSchema } from "../../src/prepare/index.js";
import { blocks, guides, ROOT, words } from "./guides.js";

/** Parses a command line with the real program, without doing the work; the refusal's text, or null. */
function refusal(args: readonly string[]): string | null {
  let printed = "";
  const program = buildProgram();
  for (const command of [program, ...program.commands]) {
    command.configureOutput({
      writeOut: () => {},
      writeErr: (text) => {
        printed += text;
      },
    });
  }
  for (const command of program.commands) command.action(() => {});
  try {
    program.parse(args, { from: "user" });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? null : printed;
  }
}

/** What stands after `foldwise` on a line of shell; null for other programs. */
function afterFoldwise(line: string): string[] | null {
  const [first, ...rest] = words(line.trim());
  if (first === "npx") return rest[0] === "foldwise" ? rest.slice(1) : null;
  return first === "foldwise" || first === "./bin/foldwise" ? rest : null;
}

const shellLines = guides().flatMap((guide) =>
  blocks(guide, "sh").flatMap((block) =>
    block
      .replaceAll("\\\n", " ")
      .split("\n")
      .map((line) => [guide.path, line.trim()] as const),
  ),
);
const commandLines = shellLines.filter(([, line]) => afterFoldwise(line) !== null);

/** `foldwise …` in running text: a command and perhaps some of its flags, not a whole call. */
const mentions = guides().flatMap((guide) =>
  [...guide.text.matchAll(/`(foldwise [a-z][^`\n]*)`/g)].map(([, line]) => [guide.path, line!] as const),
);

const program = buildProgram();
const flagsOf = (command: Command): string[] => command.options.map(({ long }) => long!);

function help(command: Command): string {
  let text = "";
  command.configureOutput({
    writeOut: (piece) => {
      text += piece;
    },
  });
  command.outputHelp();
  return text;
}

describe("what the guides tell people to type", () => {
  it("is there to be checked", () => {
    expect(commandLines.length).toBeGreaterThanOrEqual(5);
  });

  it.each(commandLines)("%s: %s", (_, line) => {
    expect(refusal(afterFoldwise(line)!)).toBeNull();
  });

  it.each(mentions)("%s mentions %s", (_, line) => {
    const [name, ...rest] = words(line).slice(1);
    const command = program.commands.find((one) => one.name() === name);
    expect(command, `there is no command ${name}`).toBeDefined();
    for (const word of rest.filter((part) => part.startsWith("--"))) expect(flagsOf(command!)).toContain(word);
  });

  it("uses only scripts that package.json has", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const used = guides().flatMap(({ text }) => [...text.matchAll(/npm run ([a-z:-]+)/g)].map(([, name]) => name!));
    expect(used.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe("what messages tell people to type", () => {
  const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  /** Flags of Node, which a worker or a check is started with. */
  const nodes = ["--eval", "--input-type"];

  it("has only flags that some command takes", () => {
    const known = new Set([...program.commands.flatMap(flagsOf), "--help", "--version", ...nodes]);
    const named = sources.flatMap((path) =>
      [...readFileSync(join(ROOT, "src", path), "utf8").matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag),
    );
    expect(named.length).toBeGreaterThan(100);
    expect(named.filter((flag) => !known.has(flag))).toEqual([]);
  });

  it("has only keys of config/prepare.yaml that it takes", () => {
    const sections: Record<string, unknown> = prepareConfigSchema.parse({});
    const known = Object.entries(sections).flatMap(([section, value]) =>
      typeof value === "object" && value !== null ? Object.keys(value).map((key) => `${section}.${key}`) : [],
    );
    const named = sources.flatMap((path) =>
      // In sentences only: literals of several words.
      [...readFileSync(join(ROOT, "src", path), "utf8").matchAll(/(["`])(?:(?!\1).)* (?:(?!\1).)*\1/g)].flatMap(
        ([text]) =>
          [...text.replace(/\$\{[^}]*\}/g, "").matchAll(/\b(?:labels?|weights|splits?)\.[a-z_]+/g)].map(([key]) => key),
      ),
    );
    expect(named).toContain("label.target_neutral");
    expect(named.filter((key) => !known.includes(key))).toEqual([]);
  });
});

describe("--help", () => {
  it.each(program.commands.map((command) => command.name()))("%s has an example, and it parses", (name) => {
    const lines = help(program.commands.find((command) => command.name() === name)!).split("\n");
    const start = lines.findIndex((line) => /^Examples?:$/.test(line));
    const shown = lines.slice(start + 1).filter((line) => line.trim().startsWith("foldwise "));
    expect(start).toBeGreaterThan(0);
    expect(shown.length).toBeGreaterThan(0);
    for (const line of shown) expect(refusal(words(line.trim()).slice(1))).toBeNull();
  });

  it.each(program.commands.map((command) => command.name()))("%s takes --json and --quiet", (name) => {
    expect(flagsOf(program.commands.find((command) => command.name() === name)!)).toEqual(
      expect.arrayContaining(["--json", "--quiet"]),
    );
  });
});

describe("README.md", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");

  it("has every command in its table, and no other", () => {
    const rows = /## Commands\n[\s\S]*?\n\n(?=\S)(?!\|)/
      .exec(readme)![0]
      .split("\n")
      .filter((row) => row.startsWith("| `"));
    const named = rows.flatMap((row) => [...row.split("|")[1]!.matchAll(/`([a-z-]+)`/g)].map(([, name]) => name!));
    expect(named.sort()).toEqual(program.commands.map((command) => command.name()).sort());
  });

  it("names the Node that package.json asks for", () => {
    const { engines } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { engines: { node: string } };
    expect(readme).toContain(`Node ${engines.node.replace(">=", "≥ ")}`);
  });
});
