import type { AdviceOf, MakingKind } from "./advice.ts";

/** Of what may happen while an answer is made. */
export const makingAdvice: AdviceOf<MakingKind> = {
  weights_loading: {
    happened:
      "The function has just started and is still fetching the model's weights. The problem says how much has arrived and how long it will take.",
    todo: "Wait as long as `Retry-After` says. Or ask with `Prefer: respond-async`: an accepted answer waits for the function by itself.",
  },
  weights_failed: {
    happened:
      "The model's weights cannot be served: a file is missing, damaged, or of a form that this version does not know. Waiting does not help.",
    todo: "If the installation is yours, read the function's log for the code that the problem names, and convert the model again. If not, tell its operator.",
  },
  device_out_of_memory: {
    happened: "The machine's memory was full of other answers when this one needed some.",
    todo: "Try again in a moment. If it happens often, the function makes too many answers at once (`UNMASK_ANSWERS_AT_ONCE`).",
  },
  device_too_small: {
    happened: "This answer alone needs more memory than the machine has.",
    todo: 'Send `"detail": "low"`, fewer pictures, a shorter text or a smaller `canvas`.',
  },
  device_lost: {
    happened:
      "The graphics card that made the answer disappeared under it. The function is being replaced.",
    todo: "Try again in a moment.",
  },
  logits_not_finite: {
    happened:
      "The network gave numbers that are infinite or no numbers at all, so there is no answer. The function asks to be replaced, and the question is not tried on the next one, since it may be the cause.",
    todo: "Ask in other words, or with another picture. If the same question does it again, tell the operator its `request_id`.",
  },
  overloaded: {
    happened: "All places of the inference function, also those for waiting, are taken.",
    todo: "Wait as long as `Retry-After` says. With `Prefer: respond-async` the answer waits for its place by itself; many questions belong into a batch.",
  },
  draining: {
    happened: "The function is about to stop, for a new version most often, and takes nothing new.",
    todo: "Try again in a few seconds: another takes its place.",
  },
  function_unreachable: {
    happened: "The edge is up, and no inference function could be reached.",
    todo: "Try again in a moment; `GET /health` says what is up. On your own installation: is the function running, and is `FUNCTION_URL` its address?",
  },
  function_timeout: {
    happened: "The function took the work and then said nothing for longer than it ever should.",
    todo: "Try again. Nothing was charged. The operator finds the `request_id` in both logs.",
  },
  function_reply_invalid: {
    happened: "The function's reply broke off or made no sense to the edge.",
    todo: "Try again. If it stays, edge and function are of versions that do not fit, or something between them changes what they say.",
  },
  function_outdated: {
    happened:
      "The function is older than the edge and does not understand its orders: a new version is being rolled out.",
    todo: "Try again in a few seconds. As the operator: functions are deployed before edges ([why](/docs/decisions/008-hop-version)).",
  },
  ticket_refused: {
    happened:
      "The function did not accept the edge's signed work order. Callers of the API never see this code: they are told `internal`.",
    todo: "As the operator: does the function know the public half of the edge's `TICKET_KEY` (`UNMASK_TICKET_KEYS`), and are both clocks right? The reason is in the function's log.",
    at: "/v1/generate",
  },
  answer_restarted: {
    happened:
      "The machine that made the answer went away, and no other of its kind was left. The answer began anew, and text that your stream had told no longer holds.",
    todo: "Ask again; where the answer may be cached it is told at once. Our own stream goes on instead (`answer.restarted`): this code is for streams in OpenAI's and Moondream's shape, which have no word for it.",
    at: "/v1/chat/completions",
  },
  empty_answer: {
    happened:
      "The model filled the canvas and wrote no text on it, most often because the canvas is longer than it was trained for. It is charged nothing.",
    todo: "Ask with the canvas that the model's card recommends, or in other words. The same question on the same canvas comes to nothing again.",
  },
  internal: {
    happened: "Something broke on our side. It is in the log under the `request_id`.",
    todo: "Try again. If it stays, tell the operator the `request_id`. Nothing was charged.",
  },
};
