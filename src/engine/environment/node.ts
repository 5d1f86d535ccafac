import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { capture } from "./capture.js";
import type { DoctorCheck } from "./doctor.js";

/** Loads the native module in a process of its own and prints its version; a broken one may take its process down. */
const NATIVE_MODULES = {
  "@duckdb/node-api": `
    const { DuckDBInstance } = await import("@duckdb/node-api");
    const connection = await (await DuckDBInstance.create(":memory:")).connect();
    console.log((await connection.runAndReadAll("SELECT library_version FROM pragma_version()")).getRows()[0][0]);`,
  "onnxruntime-node": `
    const { default: ort } = await import("onnxruntime-node");
    console.log(ort.env.versions.node);`,
};

const TIMEOUT_MS = 60_000;
const manifest = z.object({ engines: z.object({ node: z.string() }), dependencies: z.record(z.string(), z.string()) });

function readManifest(root: string): z.infer<typeof manifest> {
  return manifest.parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
}

/** This Node against `engines` of package.json (always of the form `>=x.y`). */
export function checkNode(root: string, version: string = process.versions.node): DoctorCheck {
  const wanted = readManifest(root).engines.node;
  const old = isOlder(version, wanted.replace(/^>=/, ""));
  return {
    part: "node",
    name: "node",
    group: null,
    status: old ? "broken" : "ok",
    found: version,
    wanted,
    detail: old ? "too old" : null,
    remedy: old ? `Install Node ${wanted.replace(/^>=/, "")} or newer.` : null,
    required: true,
  };
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split(".").map(Number));
  const difference = [0, 1, 2].map((at) => (a?.[at] ?? 0) - (b?.[at] ?? 0)).find((part) => part !== 0);
  return difference !== undefined && difference < 0;
}

/** Node's native modules, each really loaded. `root`: the folder from which they are resolved. */
export function checkNodeModules(root: string): Promise<DoctorCheck[]> {
  const { dependencies } = readManifest(root);
  return Promise.all(
    Object.entries(NATIVE_MODULES).map(async ([name, code]): Promise<DoctorCheck> => {
      const args = ["--input-type=module", "--eval", code];
      const { stdout, stderr, problem } = await capture(process.execPath, args, {
        cwd: root,
        env: {},
        timeoutMs: TIMEOUT_MS,
      });
      const missing = /ERR_MODULE_NOT_FOUND|Cannot find (package|module)/.test(stderr);
      const detail = problem === null ? null : (/^\w*Error.*$/m.exec(stderr)?.[0] ?? problem);
      return {
        part: "node",
        name,
        group: null,
        status: problem === null ? "ok" : missing ? "missing" : "broken",
        found: problem === null ? stdout.trim() : null,
        wanted: dependencies[name] ?? null,
        detail,
        remedy:
          problem === null ? null : "Run `npm ci` in a checkout, or `npm install foldwise` again in your project.",
        required: true,
      };
    }),
  );
}
