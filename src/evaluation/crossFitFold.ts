/** Positions among some rows; `train` is purged of what overlaps `test` by whoever made the fold. */
export interface CrossFitFold {
  train: Int32Array;
  test: Int32Array;
}
