/** The word of a function about its weights is believed so long without a second thought. */
export const FRESH_MS = 2_000;

/** So long it may still be told while it is asked for again behind a request: after a switch of models, no old answer is told later than this. */
export const MODEL_MS = 5_000;

/** A function that cannot say which weights it has is asked again after this. */
const UNKNOWN_MS = 1_000;

interface Heard {
  readonly digest: string | undefined;
  /** When it was asked for: what is switched while the question is under way may be missing from the word. */
  readonly at: number;
}

/** How often a request looks for the word that another one has asked for; a function tells it in a few milliseconds. */
const LOOK_MS = 5;

/** A question to the function, and how it came out. */
interface Question {
  readonly at: number;
  word?: { readonly digest: string | undefined } | { readonly fault: unknown };
}

/** How the function is asked for its weights, and what keeps the Worker up for it when no request waits. */
export interface ModelSource {
  /** Their digest; undefined where no function is ready to say. */
  readonly read: () => Promise<string | undefined>;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly pause: (milliseconds: number) => Promise<void>;
}

/** Which weights answer, as this isolate heard last. The function is asked by one request at a time, for all of them. */
export class ServedModel {
  #heard: Heard | undefined;
  #question: Question | undefined;

  /** Their digest; undefined where no function is ready to say. A busy isolate never waits for it: it asks before the last word is too old. */
  async digest(source: ModelSource): Promise<string | undefined> {
    const now = source.now();
    const heard = this.#heard;
    const ageMs = heard === undefined ? Number.NaN : Math.abs(now - heard.at);
    const underWay = this.#underWay(now);
    if (heard === undefined || !(ageMs < (heard.digest === undefined ? UNKNOWN_MS : MODEL_MS)))
      return await (underWay === undefined ? this.#ask(source) : this.#join(underWay, source));
    if (heard.digest !== undefined && ageMs >= FRESH_MS && underWay === undefined)
      void this.#ask(source).catch(() => undefined);
    return heard.digest;
  }

  /** One that takes longer than a second is given up: its request may have ended before its reply. */
  #underWay(now: number): Question | undefined {
    const question = this.#question;
    const isUnderWay =
      question?.word === undefined && Math.abs(now - (question?.at ?? Number.NaN)) < UNKNOWN_MS;
    return isUnderWay ? question : undefined;
  }

  /** Asks for this request and for those that come meanwhile, so that it goes on when this one has its reply or is left. */
  #ask(source: ModelSource): Promise<string | undefined> {
    const question: Question = { at: source.now() };
    this.#question = question;
    const word = this.#hear(question, source);
    source.waitUntil(word.catch(() => undefined));
    return word;
  }

  async #hear(question: Question, { read }: ModelSource): Promise<string | undefined> {
    const { at } = question;
    try {
      const digest = await read();
      // A slower question that was asked earlier knows less; one from far ahead is of a clock that was set back.
      const aheadMs = (this.#heard?.at ?? at) - at;
      if (aheadMs <= 0 || aheadMs >= MODEL_MS) this.#heard = { digest, at };
      question.word = { digest };
      return digest;
    } catch (fault) {
      question.word = { fault };
      throw fault;
    }
  }

  /**
   * Waits for the word that another request has asked for, by looking: the runtime lets no request wait for what another
   * began. Where that one has ended without a word, the first to see it asks again.
   */
  async #join(question: Question, source: ModelSource): Promise<string | undefined> {
    while (question.word === undefined && this.#underWay(source.now()) === question)
      await source.pause(LOOK_MS);
    if (question.word === undefined) return await this.digest(source);
    if ("fault" in question.word) throw question.word.fault;
    return question.word.digest;
  }
}
