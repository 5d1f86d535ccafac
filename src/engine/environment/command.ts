import { delimiter, join } from "node:path";
import { packageRoot } from "../../files/index.js";
import type { WorkerCommand } from "../worker/launch.js";
import { findPython, type LookIn } from "./python.js";

/** `python -m foldwise_engine`. Throws `engine.not_installed` where there is no Python. */
export function engineCommand(look: LookIn = {}): WorkerCommand {
  const { cwd = process.cwd(), env = process.env, root = packageRoot() } = look;
  const { python } = findPython(look);
  return { file: python, args: ["-m", "foldwise_engine"], env: pythonEnvironment(env, root), cwd };
}

/** Our package first; nothing from the working folder or from the user's own site-packages may shadow the locked ones. */
export function pythonEnvironment(env: NodeJS.ProcessEnv, root: string): Record<string, string> {
  const inherited = env.PYTHONPATH === undefined || env.PYTHONPATH === "" ? [] : [env.PYTHONPATH];
  return {
    PYTHONPATH: [join(root, "engine"), ...inherited].join(delimiter),
    PYTHONSAFEPATH: "1",
    PYTHONNOUSERSITE: "1",
    PYTHONUNBUFFERED: "1",
    PYTHONUTF8: "1",
    // Nothing is written into the package's folder, which may be another user's, nor beside people's plug-ins.
    PYTHONDONTWRITEBYTECODE: "1",
  };
}
