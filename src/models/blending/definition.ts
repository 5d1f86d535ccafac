import { z } from "zod";
import { defineEnsemble } from "../ensemble/define.js";
import { bases, meta, metaSearchSpace } from "../ensemble/params.js";

const params = z.strictObject({ ...bases, ...meta });

export const blending = defineEnsemble({
  id: "blending",
  title: "Meta-learner on other models' answers to rows held back from their fits",
  params,
  searchSpace: metaSearchSpace,
});
