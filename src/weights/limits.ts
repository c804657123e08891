/**
 * What a manifest or a checkpoint may claim at most. Each number: the threat, why this size, what it does not cover.
 */

/** A manifest that fills memory before it is understood. 8B in 36 stages is 114 kB; 4 MiB is 37 times that. */
export const MAX_MANIFEST_BYTES: number = 4 * 1024 * 1024;

/** A shard is the unit that is fetched, hashed and fetched again when wrong: 64 MiB costs half a second at 1 Gbit/s. */
export const MAX_SHARD_BYTES: number = 64 * 1024 * 1024;

/** A stage is allocated in one piece. The largest is the head of 8B in f32, 2.1 GB; JavaScript ends at 2^33 or so. */
export const MAX_STAGE_BYTES: number = 4 * 1024 ** 3;

/** A tokenizer or template file is read whole. LLaDA's tokenizer.json has about 7 MB. */
export const MAX_FILE_BYTES: number = 64 * 1024 * 1024;

/** Files are named in the manifest only to be found again by name. */
export const MAX_FILES = 16;

/** Stages cost a session each. The largest open transformers have 126 layers. */
export const MAX_LAYERS = 256;

/** The other stages: vision, projector, embed, head. */
export const MAX_STAGES: number = MAX_LAYERS + 4;

/** A vision tower is one stage: 256 layers of 16 tensors and the embeddings. */
export const MAX_TENSORS_PER_STAGE: number = MAX_LAYERS * 16 + 8;

/** Shards of one stage: `MAX_STAGE_BYTES` in the largest shards, and as many again for those that are cut smaller. */
export const MAX_SHARDS_PER_STAGE = 128;

/** Any one dimension: products of four stay exact integers below 2^53 only together with `MAX_STAGE_BYTES`. */
export const MAX_DIMENSION: number = 2 ** 20;

/** Vocabulary rows; the largest in use is 262,144. */
export const MAX_VOCABULARY: number = 2 ** 19;

/** Candidate canvases of the image policy: 36 in LLaDA-V; each is tried for every picture. */
export const MAX_GRID_PINPOINTS = 256;

/** Ids that a decoder never writes, one place each in a manifest. LLaDA-V names four; 256 is room for every added token of LLaDA. */
export const MAX_SUPPRESSED_TOKENS = 256;

/** Names of models, versions, tensors: compared, shown and used in keys. */
export const MAX_NAME_LENGTH = 128;

/** Chat template and system prompt. LLaDA-V's are 0.4 kB and 0.2 kB; templates with tools reach 10 kB. */
export const MAX_TEMPLATE_LENGTH: number = 64 * 1024;

/** A safetensors header is parsed as one JSON text. 100 MB is the limit of the format's own reader. Source: safetensors `MAX_HEADER_SIZE`. */
export const MAX_SAFETENSORS_HEADER_BYTES = 100_000_000;

/** config.json and the index: the index of 8B has 24 kB. */
export const MAX_CHECKPOINT_JSON_BYTES: number = 16 * 1024 * 1024;

/** Files of a sharded checkpoint; each is opened and its header read. */
export const MAX_CHECKPOINT_FILES = 1024;

/** Files that a hub may list of a repository: a list that fills memory. Checkpoints have tens; 100,000 is the hub's own advice for a repository at most. */
export const MAX_REPOSITORY_FILES = 100_000;

/** Numbers that a model's domain is scored by, for every picture. Mean, deviation and largest of a tower 1,152 wide are 3,456, and their weights some 200 kB of manifest. */
export const MAX_DOMAIN_NUMBERS = 8192;

/** Each walks over all features of a picture once, on the thread that answers: 64 over LLaDA-V's 729 × 1,152 take about a second. */
export const MAX_DOMAIN_STATISTICS = 64;

/** Names of what a model knows are shown to whoever lists models. ImageNet has 1,000. */
export const MAX_DOMAIN_THINGS = 2048;

/** A model has one or two sentences for what it cannot answer, perhaps in several languages; each answer is compared with all. */
export const MAX_SENTENCES = 64;

/** Words for numbers from 0 on: as many as may be read as options, and nobody writes so many in words. */
export const MAX_NUMBER_WORDS = 256;

/** Threat: more cells of a grid over the picture than a choice has options. 15 × 15 are 225, and "none of these". */
export const MAX_GRID_SIDE = 15;

/** What a fitted temperature can be at most; what needs more to be honest says nothing. */
export const MAX_TEMPERATURE = 100;

/** A sentence, or a name: it goes with every answer. */
export const MAX_SENTENCE_LENGTH = 512;
