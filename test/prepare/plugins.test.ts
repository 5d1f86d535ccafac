import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadFeaturePlugins } from "../../src/prepare/index.js";
import type { FoldwiseError } from "../../src/types/index.js";
import { temporaryFolder } from "./bars-file.js";

const FEATURE =
  '{ name: "gap", formula: "open / close[-1] - 1", lookback: 2, create: () => ({ push: (bar) => bar.open }) }';

function folderWith(source: string): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "plugin.mjs"), source);
  return folder;
}

async function failureOf(source: string): Promise<FoldwiseError> {
  const folder = folderWith(source);
  return loadFeaturePlugins(["plugin.mjs"], folder).then(
    () => expect.fail("nothing was thrown"),
    (error: FoldwiseError) => error,
  );
}

describe("feature plug-ins", () => {
  it("export a feature, an array, or a function that returns either", async () => {
    for (const source of [
      `export default ${FEATURE};`,
      `export default [${FEATURE}];`,
      `export default ({ defineFeature }) => defineFeature(${FEATURE});`,
    ]) {
      const [feature, ...others] = await loadFeaturePlugins(["./plugin.mjs"], folderWith(source));
      expect(feature).toMatchObject({ name: "gap", group: "plugin", lookback: 2, warmup: 1 });
      expect(others).toEqual([]);
    }
  });

  it("are looked for from the folder given", async () => {
    const failure = loadFeaturePlugins(["absent.mjs"], temporaryFolder());
    await expect(failure).rejects.toMatchObject({ code: "config.plugin_not_found", exitCode: 2 });
  });

  it("are refused when they export something else", async () => {
    for (const source of [
      "export const x = 1;",
      "export default 7;",
      "export default [];",
      'export default [{ name: "a" }];',
    ]) {
      expect(await failureOf(source)).toMatchObject({ code: "config.bad_plugin" });
    }
  });

  it("are refused with the error that their import throws", async () => {
    const failure = await failureOf('throw new Error("no luck");');
    expect(failure).toMatchObject({ code: "config.plugin_failed", message: expect.stringContaining("no luck") });
    expect(failure.remedy).toContain("node");
  });

  it("are refused when a feature is not valid", async () => {
    const failure = await failureOf(`export default ${FEATURE.replace('"gap"', '"Gap"')};`);
    expect(failure.code).toBe("config.feature_definition");
  });
});
