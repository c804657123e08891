/** What a call of ONNX Runtime's C API complains of. */
export class OrtError extends Error {
  override readonly name = "OrtError";
  /** The C function. */
  readonly operation: string;
  /** `OrtErrorCode`: 1 fail, 2 invalid argument, 6 runtime exception, 7 invalid protobuf, 11 execution provider … */
  readonly code: number;

  constructor(operation: string, code: number, text: string) {
    super(`${operation}: ${text}`);
    this.operation = operation;
    this.code = code;
  }
}
