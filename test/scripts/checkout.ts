/** What a checkout builds with. */
export const CHECKOUT = [
  "scripts",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
  "tsconfig.build.json",
  "tsconfig.javascript.json",
];
