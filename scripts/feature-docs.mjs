// Writes docs/features.md from the built code: npm run build && node scripts/feature-docs.mjs
import { writeFileSync } from "node:fs";
import { catalogueMarkdown } from "../dist/features/index.js";

writeFileSync(new URL("../docs/features.md", import.meta.url), catalogueMarkdown());
