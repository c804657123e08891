/** What the edge's runtime has and Node has not: a stream of so many bytes, and no others. */
class NodeFixedLengthStream extends TransformStream<Uint8Array, Uint8Array> {
  constructor(length: number) {
    let left = length;
    super({
      transform(chunk, controller) {
        left -= chunk.length;
        if (left < 0) throw new TypeError("more was written than was said");
        controller.enqueue(chunk);
      },
      flush() {
        if (left > 0) throw new TypeError("less was written than was said");
      },
    });
  }
}

Object.assign(globalThis, { FixedLengthStream: NodeFixedLengthStream });
