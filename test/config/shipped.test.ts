import { describe, expect, it } from "vitest";
import {
  jsonSchemas,
  loadModelFile,
  loadYaml,
  renderModelYaml,
  renderTrainingYaml,
  resolveModelConfig,
  resolveTrainingConfig,
  trainingFileSchema,
} from "../../src/config/index.js";
import { packageRoot } from "../../src/files/index.js";
import { BUILTIN, ModelRegistry } from "../../src/models/index.js";

// `npx vitest run test/config -u` writes these files anew after a schema has changed.
describe("the shipped files are what the schemas say", () => {
  it("config/training.yaml", async () => {
    await expect(renderTrainingYaml()).toMatchFileSnapshot("../../config/training.yaml");
    expect(loadYaml("config/training.yaml", trainingFileSchema).value).toEqual(trainingFileSchema.parse({}));
  });

  it.each(BUILTIN)("config/models: $id", async (definition) => {
    await expect(renderModelYaml(definition)).toMatchFileSnapshot(`../../config/models/${definition.id}.yaml`);
    const { presets } = loadModelFile(`config/models/${definition.id}.yaml`).value;
    for (const [name, preset] of Object.entries(definition.presets)) {
      expect({ model_params: {}, training: {}, ...(presets as Record<string, object>)[name] }).toEqual(preset);
    }
  });

  it.each(Object.entries(jsonSchemas()))("docs/schemas/%s.schema.json", async (name, schema) => {
    const text = `${JSON.stringify(schema, null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(`../../docs/schemas/${name}.schema.json`);
  });

  it.each(BUILTIN)("resolving $id with nothing given gives the schema's defaults", (definition) => {
    const training = resolveTrainingConfig({ cwd: packageRoot() });
    const resolved = resolveModelConfig(ModelRegistry.getModel(definition.id), { training });
    expect(resolved.model_params).toEqual(definition.params.parse({}));
    expect(resolved.training).toEqual(definition.training.parse({}));
    expect(resolved.notices).toEqual([]);
    expect(resolved.preset).toBe("market");
  });
});
