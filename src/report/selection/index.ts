export { type AgainstReport, againstSchema, buildAgainst, formatAgainst } from "./against.js";
export { buildChoice, type Choice, type ChoiceInput, FEWEST_SESSIONS } from "./choice.js";
export { buildComparison, type Comparison } from "./comparison.js";
export {
  encodeSelection,
  parseSelection,
  type SelectionReport,
  selectionJsonSchema,
  selectionSchema,
} from "./schema.js";
export { formatSelection } from "./text.js";
