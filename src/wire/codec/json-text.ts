import * as z from "zod";

/** Schema of a setting that holds JSON as text. Its complaints never quote the text, which may be a secret. */
export function jsonText<Output>(schema: z.ZodType<Output>): z.ZodType<Output, string> {
  return z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text);
      } catch (cause) {
        // JSON.parse quotes what it stumbles over, so its message stays out.
        if (!(cause instanceof SyntaxError)) throw cause;
        context.addIssue({ code: "custom", message: "is not JSON" });
        return z.NEVER;
      }
    })
    .pipe(schema);
}
