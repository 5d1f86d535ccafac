/** A float64 column that grows with the batches read. */
export class ColumnCollector {
  private readonly parts: Float64Array[] = [];
  private rows = 0;

  /** Copies: batches are views of memory that is reused. */
  add(values: Float32Array | Float64Array): void {
    this.parts.push(new Float64Array(values));
    this.rows += values.length;
  }

  whole(): Float64Array {
    const whole = new Float64Array(this.rows);
    let at = 0;
    for (const part of this.parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}
