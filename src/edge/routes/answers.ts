import type { RouteConfig } from "@hono/zod-openapi";
import type { Context } from "hono";
import { endTime, setMetric, startTime } from "hono/timing";
import type { Failure } from "#domain/failure.ts";
import { type Result, refuse } from "#domain/result.ts";
import { answerFormSchema, answerRequestSchema } from "#wire/answer-request.ts";
import { type AnswerRequest, parseAnswerForm, parseAnswerJson } from "#wire/requests.ts";
import { answerBody, answerSchema } from "#wire/responses.ts";
import { type EdgeEnv, settingsOf } from "../env.ts";
import { refused } from "../guard/errors.ts";
import { newId } from "../id.ts";
import { admit } from "../jobs/admit.ts";
import { dispatch } from "../jobs/dispatch.ts";
import { collectAnswer, relayAnswer } from "../jobs/relay.ts";

/** `POST /v1/answers`: asks, and waits for the answer or listens to it being made. */
export async function createAnswer(c: Context<EdgeEnv>): Promise<Response> {
  const settings = settingsOf(c.env);
  const requestId = c.get("requestId");
  const request = await readRequest(c);
  if (!request.ok) return refused(c, request.refusal);

  const job = admit(request.value, {
    id: newId("ans"),
    accountId: c.get("key").accountId,
    model: settings.model,
    createdAt: Date.now(),
  });
  if (!job.ok) return refused(c, job.refusal);

  const leaving = new AbortController();
  const gone = AbortSignal.any([c.req.raw.signal, leaving.signal]);
  startTime(c, "queue");
  const dispatched = await dispatch(job.value, settings, requestId, gone);
  endTime(c, "queue");
  if (!dispatched.ok) return refused(c, dispatched.refusal);

  const { modelDigest, events } = dispatched.value;
  const { id: jobId, model, createdAt } = job.value;
  const answered = { jobId, model, modelDigest, createdAt };
  if (request.value.wantsStream || acceptsEvents(c)) {
    const leave = (reason: unknown): void => leaving.abort(reason);
    const told = { requestId, instance: c.req.path };
    return c.body(relayAnswer(events, answered, told, leave), 200, {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
    });
  }
  const startedMs = performance.now();
  const completed = await collectAnswer(events);
  if (!completed.ok) return refused(c, completed.refusal);
  const { steps } = completed.value.usage;
  setMetric(c, "steps", performance.now() - startedMs, String(steps));
  return c.json(answerBody(completed.value, answered), 200, { "cache-control": "private" });
}

async function readRequest(c: Context<EdgeEnv>): Promise<Result<AnswerRequest, Failure>> {
  const contentType = c.req.header("content-type") ?? "";
  const mediaType = contentType.split(";")[0]?.trim().toLowerCase();
  if (mediaType === "application/json")
    return parseAnswerJson(new Uint8Array(await c.req.arrayBuffer()));
  if (mediaType !== "multipart/form-data")
    return refuse({ kind: "unsupported_media_type", contentType: contentType.slice(0, 100) });
  let form: FormData;
  try {
    form = await c.req.raw.formData();
  } catch (cause) {
    // The runtime's word for a form that breaks its own boundaries; a lost connection is another error.
    if (!(cause instanceof TypeError)) throw cause;
    const problem = { pointer: "", message: "is not a well-formed multipart/form-data body" };
    return refuse({ kind: "invalid_request", problems: [problem] });
  }
  return await parseAnswerForm(form);
}

function acceptsEvents(c: Context<EdgeEnv>): boolean {
  return c.req.header("accept")?.includes("text/event-stream") === true;
}

/** How `POST /v1/answers` reads in the API's description. */
export const createAnswerRoute: RouteConfig = {
  method: "post",
  path: "/v1/answers",
  summary: "Ask about pictures",
  security: [{ key: [] }],
  request: {
    body: {
      required: true,
      content: {
        "application/json": { schema: answerRequestSchema },
        "multipart/form-data": { schema: answerFormSchema },
      },
    },
  },
  responses: {
    200: {
      description: "The answer, or its making as events when `stream` is true.",
      content: {
        "application/json": { schema: answerSchema },
        "text/event-stream": {
          schema: { type: "string" },
          example:
            'retry: 1000\nid: ans_0.0\nevent: answer.started\ndata: {"image_vectors":730,"prompt_length":760,"canvas":32,"steps":32}\n\n',
        },
      },
    },
  },
};
