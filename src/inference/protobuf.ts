/** One field of a protobuf message (protobuf.dev/programming-guides/encoding): a number, or the bytes of text or of a message. */
export interface Field {
  number: number;
  value: number | Uint8Array;
}

/**
 * The fields of one message, in order; nothing is copied, and messages inside are left as bytes. Throws for bytes that are no
 * message: cut short, or with the groups of old.
 */
export function* readMessage(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  /** Beyond 2^53 the value is rounded: no length and no field number is that large. */
  const varint = (): number => {
    let value = 0;
    for (let scale = 1, read = 0; read < 10; scale *= 128, read++) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error("it is cut short");
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
    throw new Error("a number in it has no end");
  };
  const skip = (length: number): Uint8Array => {
    if (length > bytes.length - at) throw new Error("it is cut short");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    // Other readers drop the bits beyond these, and would see another field.
    if (tag > 0xffffffff) throw new Error("a field in it has no number");
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: varint() };
        break;
      case 1:
        skip(8);
        break;
      case 2:
        yield { number, value: skip(varint()) };
        break;
      case 5:
        skip(4);
        break;
      default:
        throw new Error("it holds a field of an unknown kind");
    }
  }
}
