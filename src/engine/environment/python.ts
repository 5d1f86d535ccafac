import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { isCheckout, packageRoot } from "../../files/index.js";
import { FoldwiseError } from "../../types/index.js";
import { INSTALL_REMEDY } from "../errors.js";

/** Where the interpreter was looked for and found. */
export interface PythonLocation {
  /** `override`: FOLDWISE_PYTHON; `checkout`: the repository's .venv; `project`: .foldwise/venv of the working folder. */
  source: "override" | "checkout" | "project";
  python: string;
  found: boolean;
  /** The environment's folder; absent for an override. */
  venv?: string;
}

export interface LookIn {
  /** Default: the process's working folder. */
  cwd?: string | undefined;
  /** Default: `process.env`. */
  env?: NodeJS.ProcessEnv | undefined;
  /** Default: the folder of Foldwise's package.json. */
  root?: string | undefined;
  platform?: NodeJS.Platform | undefined;
}

/** The interpreter of a virtual environment. */
export function venvPython(venv: string, platform: NodeJS.Platform = process.platform): string {
  return platform === "win32" ? join(venv, "Scripts", "python.exe") : join(venv, "bin", "python");
}

/** `.foldwise/venv` below the working folder: what `foldwise doctor --install` makes for an installed package. */
export function projectVenv(cwd: string): string {
  return join(resolve(cwd), ".foldwise", "venv");
}

/**
 * FOLDWISE_PYTHON, else the checkout's `.venv`, else `.foldwise/venv`: the first that is there, or else where it should be.
 * FOLDWISE_PYTHON may also name the interpreter that one of these environments was made from (set-up keeps that name in
 * `.foldwise-python`); then it is that environment which has the engines.
 */
export function locatePython(look: LookIn = {}): PythonLocation {
  const { cwd = process.cwd(), env = process.env, root = packageRoot(), platform = process.platform } = look;
  const checkout = isCheckout(root) ? [place("checkout", join(root, ".venv"), platform)] : [];
  const venvs = [...checkout, place("project", projectVenv(cwd), platform)];
  const override = env.FOLDWISE_PYTHON;
  if (override === undefined || override === "") return venvs.find(({ found }) => found) ?? venvs[0]!;
  const made = venvs.find(({ venv, found }) => found && madeFrom(venv) === override);
  if (made !== undefined) return made;
  // A bare name is the system's to resolve.
  const isPath = /[\\/]/.test(override);
  const python = isPath ? resolve(cwd, override) : override;
  return { source: "override", python, found: !isPath || existsSync(python) };
}

function place(
  source: "checkout" | "project",
  venv: string,
  platform: NodeJS.Platform,
): PythonLocation & { venv: string } {
  const python = venvPython(venv, platform);
  return { source, python, found: existsSync(python), venv };
}

/** The FOLDWISE_PYTHON with which set-up made an environment. */
function madeFrom(venv: string): string {
  const marker = join(venv, ".foldwise-python");
  return existsSync(marker) ? readFileSync(marker, "utf8") : "";
}

/** As `locatePython`; throws `engine.not_installed` where there is none. */
export function findPython(look: LookIn = {}): PythonLocation {
  const location = locatePython(look);
  if (location.found) return location;
  const override = location.source === "override";
  throw new FoldwiseError(
    "engine.not_installed",
    override
      ? `FOLDWISE_PYTHON names ${location.python}, which does not exist.`
      : `There is no Python environment at ${location.python}.`,
    {
      remedy: override ? "Correct or unset FOLDWISE_PYTHON." : INSTALL_REMEDY,
      details: { source: location.source, python: location.python },
    },
  );
}
