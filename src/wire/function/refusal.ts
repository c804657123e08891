import * as z from "zod";
import type { Failure } from "#domain/failure.ts";
import { problemResponse, type RefusedRequest } from "../error.ts";
import { failureSchema } from "../failure.ts";

/**
 * Renders a function's refusal: a problem reply as a caller would get it, and the failure itself in the member
 * `failure`, so that the edge knows every detail. Only for the hop between the two.
 */
export async function refusalResponse(
  failure: Failure,
  request: RefusedRequest,
): Promise<Response> {
  const response = problemResponse(failure, request);
  const problem: object = await response.json();
  return new Response(JSON.stringify({ ...problem, failure }), response);
}

/** Reads a function's refusal; undefined where the reply is anything else, as a proxy's error page would be. */
export function parseRefusal(body: unknown): Failure | undefined {
  const parsed = refusalSchema.safeParse(body);
  return parsed.success ? parsed.data.failure : undefined;
}

const refusalSchema = z.object({ failure: failureSchema });
