import { classesIn } from "../evaluation/index.js";
import { FoldwiseError, type Label } from "../types/index.js";

/** The classes of training labels; throws `data.one_class` for fewer than two. */
export function trainedClassesOf(y: Int8Array): Label[] {
  const classes = classesIn(y);
  if (classes.length >= 2) return classes;
  throw new FoldwiseError(
    "data.one_class",
    `The ${y.length} training rows hold ${classes.length === 1 ? `only class ${classes[0]}` : "no class"}.`,
    { remedy: "Use more rows, another horizon or other barriers (label.k), so that at least two classes occur." },
  );
}
