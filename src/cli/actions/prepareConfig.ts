import { existsSync } from "node:fs";
import { join } from "node:path";
import { resolveFileConfig } from "../../config/index.js";
import { type PrepareConfig, prepareConfigSchema } from "../../prepare/index.js";

export interface PrepareConfigRequest {
  cwd: string;
  /** `--config`; `config/prepare.yaml` of the working folder where absent, if there is one. */
  config?: string | undefined;
  set?: readonly string[] | undefined;
  flags?: Readonly<Record<string, unknown>> | undefined;
}

/** `--set` and flags over `--config`, else over `config/prepare.yaml` of the working folder, over the defaults. */
export function readPrepareConfig({ cwd, config, set = [], flags = {} }: PrepareConfigRequest): PrepareConfig {
  const own = join("config", "prepare.yaml");
  const file = config ?? (existsSync(join(cwd, own)) ? own : undefined);
  return resolveFileConfig(prepareConfigSchema, { cwd, ...(file === undefined ? {} : { file }), set, flags });
}
