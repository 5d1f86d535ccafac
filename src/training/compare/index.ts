export { compareRuns } from "./against.js";
export { readSelections, selectionsAtEnd } from "./selections.js";
