/** A value that is read off a picture, by the name that the reply has it under. */
export interface NamedField {
  readonly name: string;
  readonly field: Field;
}

/** What a value is, and what is asked for it. */
export type Field = SingleField | ListField | AnswersField;

/** The types of fields, as a request names them. */
export const fieldTypes = [
  "boolean",
  "choice",
  "score",
  "number",
  "date",
  "time",
  "datetime",
  "text",
  "list",
] as const;

/** One of `fieldTypes`. */
export type FieldType = (typeof fieldTypes)[number];

/** What a list may hold. */
export type SingleField = ClosedField | OpenField;

/** One of a few values, each with a probability: read, never written. */
export type ClosedField = BooleanField | ChoiceField | ScoreField;

/** Whatever is told by comparing options. */
export type ComparedField = ClosedField | NumberField | AnswersField;

/** A value that is written, as a string of a regular language. */
export type OpenField = NumberField | DateField | TimeField | DateTimeField | TextField;

interface Asked {
  /** What the model is asked; absent: the name is all it has. */
  readonly instructions?: string;
}

interface Written extends Asked {
  /** Something is written whatever the picture shows, and whether it shows it is not asked. */
  readonly required?: true;
}

export interface BooleanField extends Asked {
  readonly type: "boolean";
  /** What each side means, where "yes" and "no" do not say it. */
  readonly criteria?: { readonly true?: string; readonly false?: string };
}

export interface ChoiceField extends Asked {
  readonly type: "choice";
  /** In the order in which the request has them; of equal probability the first wins. */
  readonly options: readonly Option[];
  /** Whether "none of these" is an option too: the value is null then. */
  readonly none: boolean;
}

/** Levels from the lowest to the highest; the score is the mean of their indices by probability. */
export interface ScoreField extends Asked {
  readonly type: "score";
  readonly levels: readonly Option[];
}

/** Whole answers to what is asked, each with how likely the model is to give it. It stands alone, and no caller names it: `POST /v1/scores` is made of it. */
export interface AnswersField extends Asked {
  readonly type: "answers";
  /** In the order in which the request has them; of equal probability the first wins. */
  readonly answers: readonly string[];
  /**
   * `joint`: all places of an answer are masked at once, and one pass reads all answers. `chain`: each answer is written token by token,
   * the place first at which the model is surest of something, so each token is read beside those before it. Source: DUEL, 2603.01367.
   */
  readonly method: "joint" | "chain";
  /** Positions of the canvas on which the model would write them: of another length it would write otherwise. Absent: as many as the longest takes. */
  readonly canvas?: number;
}

export interface Option {
  readonly value: string;
  readonly description?: string;
}

export interface NumberField extends Written {
  readonly type: "number";
  readonly minimum: number;
  readonly maximum: number;
  /** Digits behind the point at most; 0 is an integer. */
  readonly decimals: number;
}

/** A day of the calendar, `2026-11-28`. */
export interface DateField extends Written {
  readonly type: "date";
}

/** A time of the day, `09:05` or `09:05:30`. */
export interface TimeField extends Written {
  readonly type: "time";
  readonly seconds: boolean;
}

/** `2026-11-28T09:05`. */
export interface DateTimeField extends Written {
  readonly type: "datetime";
  readonly seconds: boolean;
}

/** One line of text. */
export interface TextField extends Written {
  readonly type: "text";
  /** Room for it. What does not fit is cut off, and the reply says so. */
  readonly maxTokens: number;
}

export interface ListField extends Asked {
  readonly type: "list";
  readonly items: SingleField;
  readonly maxItems: number;
}

/** The most numbers that are read as options, each with a probability; a range of more is written digit by digit. */
export const CLOSED_NUMBERS = 255;

/** Returns a field whose value is read among a few; undefined of one that is written. */
export function asClosed(field: Field): ComparedField | undefined {
  switch (field.type) {
    case "boolean":
    case "choice":
    case "score":
    case "answers":
      return field;
    case "number": {
      const { minimum, maximum, decimals } = field;
      return decimals === 0 && maximum - minimum < CLOSED_NUMBERS ? field : undefined;
    }
    default:
      return undefined;
  }
}

/** Returns a field whose value is written; undefined of one that is read among a few, and of a list. */
export function asOpen(field: Field): OpenField | undefined {
  switch (field.type) {
    case "number":
      return asClosed(field) === undefined ? field : undefined;
    case "date":
    case "time":
    case "datetime":
    case "text":
      return field;
    default:
      return undefined;
  }
}

/** The options of a closed field as the reply names them, in order; of an open one none. "None of these" is not among them. */
export function optionsOf(field: Field): readonly Option[] {
  switch (field.type) {
    case "boolean":
      return [{ value: "true" }, { value: "false" }];
    case "choice":
      return field.options;
    case "score":
      return field.levels;
    case "answers":
      return field.answers.map((value) => ({ value }));
    case "number": {
      if (asClosed(field) === undefined) return [];
      const first = Math.ceil(field.minimum);
      const count = Math.floor(field.maximum) - first + 1;
      return Array.from({ length: count }, (_, index) => ({ value: String(first + index) }));
    }
    case "list":
      return optionsOf(field.items);
    default:
      return [];
  }
}

/** What a caller could make a template grow with. Each number is of one request. */
export const FIELD_LIMITS = {
  /** Fields: each takes a line of the prompt and of the canvas. */
  fields: 64,
  /** Letters, digits, `_`, `.` and `-` of a name. */
  nameLength: 64,
  /** Options of a choice, levels of a score: the most that OpenAI's decisions and Jev take. */
  options: 255,
  /** Options of a list's items: each item has one slot, and a slot as many letters. */
  itemOptions: 26,
  /** Options of all slots together, those of a list for each of its items: each is told with its probability, and a reply of more is megabytes. */
  allOptions: 4_096,
  /** UTF-8 bytes of everything that the fields say, and the question with them: the text of any question has no more. */
  textBytes: 32_768,
  /** Passes of a reading: as many as an answer in words has steps at most. */
  passes: 512,
  /** Characters of an option or a level: it stands in the prompt. */
  optionLength: 200,
  /** Characters of instructions or of a description. */
  instructionsLength: 2_000,
  /** Answers that are scored at once: each may take as many passes as it has tokens. */
  answers: 64,
  /** Characters of such an answer: the longest answer that a canvas has. */
  answerLength: 2_000,
  /** Items of a list: each has room of its own in the canvas. */
  items: 8,
  /** Tokens of a text. */
  textTokens: 64,
  /** Digits behind a point: those of the AI SDK's extraction. */
  decimals: 6,
} as const;
