/** The command line, for documentation and tests; `bin/foldwise` runs main.ts, and no room imports this one. */
export { buildProgram } from "./program.js";
