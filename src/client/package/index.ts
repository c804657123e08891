// What the package `unmask` exports. The administration is `unmask/admin`, checking webhooks `unmask/webhooks`, the AI SDK `unmask/ai-sdk`.

export {
  type Answer,
  type AnswerEnd,
  AnswerStream,
  type AnswerUpdate,
  type FieldsStream,
} from "../answer-stream.ts";
export type { Ask, AskMessage, Picture, ScoresAsk } from "../ask.ts";
export {
  type AskOptions,
  type Batch,
  type BatchQuestion,
  type Client,
  createClient,
  type Erasure,
  type Health,
  type ModelList,
  type NewClientToken,
  type Scores,
  type WatchOptions,
} from "../client.ts";
export {
  ConnectionError,
  type RefusalCode,
  RefusedError,
  ReplyError,
  UnmaskError,
} from "../errors.ts";
export type {
  Fields,
  FieldsAnswer,
  FieldsUpdate,
  ReadField,
  ReadFields,
  ValueOf,
  Values,
} from "../fields/typed-fields.ts";
export { type RecommendedMaximum, reducePicture } from "../pictures/reduce-picture.ts";
export type { Replay } from "../replay.ts";
export type { CallOptions, ClientOptions } from "../send.ts";
export type {
  Delivery,
  DeliveryFilter,
  Endpoint,
  NewEndpoint,
  WebhookCalls,
  WebhookTest,
} from "../webhook-calls.ts";
