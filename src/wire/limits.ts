/**
 * What the service reads from outside at most. Both ends of the edge → function hop check them, the public schemas
 * state them. Each number: the threat, why this size, what it does not cover.
 */

/** A body that fills the isolate's 128 MB. 16 MiB holds `MAX_IMAGE_BYTES` in base64 (× 4/3) and the text beside it. */
export const MAX_BODY_BYTES: number = 16 * 1024 * 1024;

/** A picture that costs memory before anyone looks at it. 10 MiB is a 48-megapixel phone JPEG; pixels are limited by the function. */
export const MAX_IMAGE_BYTES: number = 10 * 1024 * 1024;

/** A manifest that fills an isolate. That of 8B has 100 KB; 4 MiB is what whoever loads a bundle takes too. */
export const MAX_BUNDLE_MANIFEST_BYTES: number = 4 * 1024 * 1024;

/** Work multiplied by count: every picture costs 730 … 3,700 vectors of a prompt of about 8,000 positions. Fewer may fit. */
export const MAX_IMAGES = 8;

/**
 * Threat: hundreds of thousands of small values, each of which a schema looks at before anybody counts them: seconds of a
 * Worker's time for one refusal. The largest batch, 256 items of 64 messages with a text and a picture each, has under
 * 200,000.
 */
export const MAX_JSON_VALUES = 200_000;

/** Threat: data that is written out as text, nested so deep that the writer runs out of stack (some thousands). 64 is deeper than any record. */
export const MAX_DATA_DEPTH = 64;

/** Tokenising text that can never fit the prompt. 32 KiB of UTF-8 is about 8,000 tokens of English. Over all messages. */
export const MAX_TEXT_BYTES: number = 32 * 1024;

/** Template work per message, however short. 64 turns are longer than any conversation that fits the prompt. */
export const MAX_MESSAGES = 64;

/** Time and memory of one answer: each step passes over the whole canvas. 512 is the longest that the checkpoint was evaluated with. */
export const MAX_CANVAS = 512;

/** Work multiplied by count behind one request. 256 questions of 32 steps stay within a minute's steps of a default key. */
export const MAX_BATCH_ITEMS = 256;

/** Stop texts are searched for after every step. */
export const MAX_STOPS = 4;
export const MAX_STOP_LENGTH = 64;

/** A suffix takes positions like the canvas does, so it is kept well below it. */
export const MAX_SUFFIX_LENGTH = 1024;

/** Above 2 the noise drowns the logits and only costs passes. */
export const MAX_TEMPERATURE = 2;

/** Each weighs as much as the token that it stands beside, in every frame that is sent and kept. Three are what a person reads. */
export const MAX_ALTERNATIVES = 3;

/** Seeds are 32-bit in every generator that the decoder may use. */
export const MAX_SEED = 0xffff_ffff;

/** A deadline that outlives everything kept for the answer. A day, as long as a reply is kept. */
export const MAX_DEADLINE_MS: number = 24 * 3_600_000;

/** Names from outside that are only compared and echoed: models, ids. */
export const MAX_NAME_LENGTH = 128;

/** `sub:` and a subject of 128 characters at most. Threat: keys of what is kept that grow without bound. */
export const MAX_OWNER_LENGTH = 256;

/** Pinpoints, tiles and sides of a function's card. Threat: a picture that is cut and priced by a grid which no canvas holds. LLaDA-V has 36 pinpoints of at most 2,304 pixels and 9 tiles; these are room for any grid that still fits a prompt. */
export const MAX_PINPOINTS = 256;
export const MAX_TILES = 256;
export const MAX_VIEW_SIDE = 16_384;

/** Threat: a function's word by which every prompt fits. The longest context that anybody serves is a million positions; LLaDA-V has 8,192. */
export const MAX_PROMPT_LENGTH: number = 1024 * 1024;

/**
 * Multiply-adds of a view, of a position of a pass, and of a position looking at a position, as a function's card tells them: prices
 * are made of them. Threat: a function that is wrong, or another's, and asks any price, up to sums that cannot be counted. LLaDA-V's
 * are 3.5 · 10¹¹, 7.5 · 10⁹ and 2.6 · 10⁵; these are 100, 580 and 1,000 times that. A dear model below them is its operator's matter.
 */
export const MAX_VIEW_WORK: number = 2 ** 45;
export const MAX_LINEAR_WORK: number = 2 ** 42;
export const MAX_ATTENTION_WORK: number = 2 ** 28;

/** A reply that lists every fault of a hostile body would be larger than the body. */
export const MAX_FIELD_PROBLEMS = 20;
