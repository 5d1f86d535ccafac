import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot, writeFileAtomic } from "../../src/files/index.js";

/** Puts `text` between the markers of section `name` in `bench/RESULTS.md`, at the end where the section is new. */
export function writeResults(name: string, text: string): string {
  const path = join(packageRoot(), "bench", "RESULTS.md");
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const section = `${begin}\n${text.trim()}\n${end}`;
  const old = existsSync(path) ? readFileSync(path, "utf8") : "# Results\n";
  const [from, to] = [old.indexOf(begin), old.indexOf(end)];
  const whole = from < 0 || to < 0 ? `${old}\n${section}\n` : old.slice(0, from) + section + old.slice(to + end.length);
  writeFileAtomic(path, whole);
  return path;
}
