/** The word of a function about its model is believed so long without a second thought. */
export const FRESH_MS = 2_000;

/** So long it may still be told while it is asked for again behind a request: after a switch of models, no old answer is told later than this. */
export const MODEL_MS = 5_000;

/** A function that could not say which model it has is asked again after this. */
const UNKNOWN_MS = 1_000;

interface Heard<Word> {
  readonly word: Word;
  /** When it was asked for, in milliseconds since 1970: what is switched while the question is under way may be missing from the word. */
  readonly at: number;
}

/** How often a request looks for the word that another one has asked for; a function tells it in a few milliseconds. */
const LOOK_MS = 5;

/** A question to the function, and how it came out. */
interface Question<Word> {
  readonly at: number;
  answer?: { readonly word: Word } | { readonly fault: unknown };
}

/** How a function is asked for its word, and what keeps the Worker up for it when no request waits. */
export interface WordSource<Word> {
  readonly read: () => Promise<Word>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly pause: (milliseconds: number) => Promise<void>;
}

/** What one function says of its model, as this isolate heard last. The function is asked by one request at a time, for all of them. */
export class HeardWord<Word> {
  readonly #isFirm: (word: Word) => boolean;
  #heard: Heard<Word> | undefined;
  #firm: Heard<Word> | undefined;
  #question: Question<Word> | undefined;

  /** `isFirm`: whether a word says something; one that only says that none could be had is asked for again sooner. */
  constructor(isFirm: (word: Word) => boolean) {
    this.#isFirm = isFirm;
  }

  /** A busy isolate never waits for it: it asks before the last word is too old. */
  async latest(source: WordSource<Word>): Promise<Word> {
    const now = source.now();
    const heard = this.#heard;
    const ageMs = heard === undefined ? Number.NaN : Math.abs(now - heard.at);
    const underWay = this.#underWay(now);
    const isFirm = heard !== undefined && this.#isFirm(heard.word);
    if (heard === undefined || !(ageMs < (isFirm ? MODEL_MS : UNKNOWN_MS)))
      return await (underWay === undefined ? this.ask(source) : this.#join(underWay, source));
    if (isFirm && ageMs >= FRESH_MS && underWay === undefined)
      void this.ask(source).catch(() => undefined);
    return heard.word;
  }

  /** The last word that said something, where it was asked for within `maxAgeMs`. */
  lastFirm(now: number, maxAgeMs: number): Word | undefined {
    const firm = this.#firm;
    return firm !== undefined && Math.abs(now - firm.at) < maxAgeMs ? firm.word : undefined;
  }

  /** Asks now, for this request and for those that come meanwhile, so that it goes on when this one has its reply or is left. */
  ask(source: WordSource<Word>): Promise<Word> {
    const question: Question<Word> = { at: source.now() };
    this.#question = question;
    const word = this.#hear(question, source);
    source.waitUntil(word.catch(() => undefined));
    return word;
  }

  /** One that takes longer than a second is given up: its request may have ended before its reply. */
  #underWay(now: number): Question<Word> | undefined {
    const question = this.#question;
    const isUnderWay =
      question?.answer === undefined && Math.abs(now - (question?.at ?? Number.NaN)) < UNKNOWN_MS;
    return isUnderWay ? question : undefined;
  }

  async #hear(question: Question<Word>, { read }: WordSource<Word>): Promise<Word> {
    const { at } = question;
    try {
      const word = await read();
      // A slower question that was asked earlier knows less; one from far ahead is of a clock that was set back.
      const aheadMs = (this.#heard?.at ?? at) - at;
      if (aheadMs <= 0 || aheadMs >= MODEL_MS) {
        this.#heard = { word, at };
        if (this.#isFirm(word)) this.#firm = this.#heard;
      }
      question.answer = { word };
      return word;
    } catch (fault) {
      question.answer = { fault };
      throw fault;
    }
  }

  /**
   * Waits for the word that another request has asked for, by looking: the runtime lets no request wait for what another
   * began. Where that one has ended without a word, the first to see it asks again.
   */
  async #join(question: Question<Word>, source: WordSource<Word>): Promise<Word> {
    while (question.answer === undefined && this.#underWay(source.now()) === question)
      await source.pause(LOOK_MS);
    if (question.answer === undefined) return await this.latest(source);
    if ("fault" in question.answer) throw question.answer.fault;
    return question.answer.word;
  }
}
