import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { loadYaml } from "../../src/config/index.js";
import { generateDemoBars } from "../../src/data/demo/index.js";
import { checkFeature } from "../../src/features/index.js";
import { loadFeaturePlugins, prepareConfigSchema } from "../../src/prepare/index.js";
import { blocks, guides, ROOT } from "./guides.js";

const dataGuide = guides().find(({ path }) => path.endsWith("DATA_GUIDE.md"))!;

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "foldwise-docs-"));
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What `foldwise` means to an installed package, with the project's own strictness. */
const tsconfig = {
  extends: join(ROOT, "tsconfig.json"),
  compilerOptions: {
    paths: { foldwise: [join(ROOT, "src", "index.ts")] },
    typeRoots: [join(ROOT, "node_modules", "@types")],
  },
  include: ["*.ts"],
};

describe("the guides", () => {
  it("show TypeScript that compiles", () => {
    const examples = guides().flatMap((guide) => blocks(guide, "ts"));
    expect(examples.length).toBeGreaterThan(0);
    writeFileSync(join(scratch, "tsconfig.json"), JSON.stringify(tsconfig));
    writeFileSync(join(scratch, "package.json"), '{"type": "module"}');
    for (const [index, code] of examples.entries()) writeFileSync(join(scratch, `example_${index}.ts`), code);
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", scratch], { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });

  it("show a prepare.yaml that is one", () => {
    const file = join(scratch, "prepare.yaml");
    writeFileSync(file, blocks(dataGuide, "yaml")[0]!);
    const { value } = loadYaml(file, prepareConfigSchema);
    expect(value.horizons).toEqual([20, "100m"]);
  });

  it("show a prepare.yaml that has every key, at its default", () => {
    const shown: unknown = parse(blocks(dataGuide, "yaml")[0]!);
    const { horizons: _, ...defaults } = prepareConfigSchema.parse({});
    const { base, higher, ...features } = defaults.features;
    expect(shown).toMatchObject({ ...defaults, features });
    expect(prepareConfigSchema.parse(shown)).toMatchObject({ features: { base, higher } });
  });

  it("show a feature plug-in that loads and keeps the rules", async () => {
    writeFileSync(join(scratch, "my_features.js"), blocks(dataGuide, "js")[0]!);
    const [feature] = await loadFeaturePlugins(["my_features.js"], scratch);
    const { bars } = generateDemoBars({ symbol: "MES", bar: "5m", bars: 300, seed: 1 });
    expect(checkFeature(feature!, bars)).toEqual([]);
  });

  it.each(guides().map((guide) => [guide.path, guide] as const))("%s names files that exist", (path, { text }) => {
    const inTicks = [...text.matchAll(/`((?:src|docs|engine|examples|bench|test|scripts)\/[^`\s]*)`/g)];
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)];
    const named = [
      ...inTicks.map(([, name]) => join(ROOT, name!)),
      ...links.map(([, name]) => join(ROOT, dirname(path), name!)),
    ];
    // Names with a placeholder, such as src/models/<id>/, are patterns.
    expect(named.filter((name) => !/[<{*…]/.test(name) && !existsSync(name))).toEqual([]);
  });
});
