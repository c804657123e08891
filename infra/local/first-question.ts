import { readFileSync } from "node:fs";
import type { Reporter } from "#cli/convert/report.ts";
import { type Client, createClient } from "#client/client.ts";
import { RefusedError } from "#client/errors.ts";
import { playgroundAddress, tradeForPass } from "#client/playground-pass.ts";
import { dashboardAddress, makeSignInCode } from "#client/sign-in-code.ts";
import type { LocalAccess } from "./local-key.ts";

const PICTURE = "test/fixtures/photographs/cat.jpg";
const PICTURE_QUESTION = "What is this?";
const TEXT_QUESTION = "What is the capital of France?";

/** Sixteen positions are a sentence, in as many steps: seconds on a card, and two minutes of an 8B on two cores. */
const CANVAS = 16;

/** A first answer that takes longer says how far it is. */
const QUIET_MS = 2_000;

/** Asks what the model can be asked, as any client would: about a bundled picture, or in words where it sees none. */
export async function askFirst(
  { url, key }: LocalAccess,
  model: string,
  { reporter, signal }: { readonly reporter: Reporter; readonly signal: AbortSignal },
): Promise<string> {
  const client = createClient({ baseUrl: url, apiKey: key });
  const { data } = await client.models({ signal });
  const served = data.find(({ id }) => id === model);
  const seesPictures = served?.image != null;
  const question = seesPictures ? PICTURE_QUESTION : TEXT_QUESTION;
  const answered = await answer(client, { model, question, seesPictures }, { reporter, signal });
  const pass = await tradeForPass({ baseUrl: url, apiKey: key });
  const code = await makeSignInCode({ baseUrl: url, apiKey: key }, {}, { signal });
  const picture = seesPictures ? `  ${PICTURE}\n` : "";
  const curlPicture = seesPictures ? ` -F image=@${PICTURE}` : "";
  const asked = seesPictures ? `${PICTURE} "${question}"` : `"${question}"`;
  const others = data.filter(({ id }) => id !== model).map(({ id }) => id);
  const choice =
    others.length === 0 ? "" : `\n  Other models: add -F model=${others.join(" or -F model=")}\n`;
  return `
${picture}  "${question}"  →  ${answered}

  Ask your own in the browser, with a pass for an hour (afterwards: npm run -s unmask -- open):

    ${playgroundAddress(url, pass)}

  Money, answers and webhooks, behind an address that signs in once, within ten minutes (afterwards: npm run -s unmask -- sign-in):

    ${dashboardAddress(url, code)}

  Or in another terminal:

    export UNMASK_URL=${url}
    export UNMASK_KEY=${key}
    curl "$UNMASK_URL/v1/answers" -H "Authorization: Bearer $UNMASK_KEY"${curlPicture} -F question="${question}"

    npm run -s unmask -- ask ${asked} --watch
${choice}
`;
}

/** The answer and what it took; or why there is none, which is no reason not to serve. */
async function answer(
  client: Client,
  asked: {
    readonly model: string;
    readonly question: string;
    readonly seesPictures: boolean;
  },
  { reporter, signal }: { readonly reporter: Reporter; readonly signal: AbortSignal },
): Promise<string> {
  const { model, question, seesPictures } = asked;
  const images = seesPictures ? [new Uint8Array(readFileSync(PICTURE))] : [];
  const startedMs = performance.now();
  let isLong = false;
  const underWay = client.ask({ model, question, images, canvas: CANVAS }, { signal });
  const timer = setTimeout(() => {
    isLong = true;
    reporter.says(`unmask: the first answer takes a while: ${CANVAS} steps …`);
  }, QUIET_MS);
  try {
    for await (const update of underWay) {
      if (isLong && update.event === "answer.frame")
        reporter.says(`unmask: step ${update.step} of ${CANVAS}`);
    }
    const { answer: text, confidence, usage } = await underWay;
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(2);
    return `"${text}"   (confidence ${confidence.toFixed(2)}, ${usage.steps} steps, ${seconds} s)`;
  } catch (cause) {
    if (!(cause instanceof RefusedError)) throw cause;
    return `no answer: ${cause.problem.detail}`;
  } finally {
    clearTimeout(timer);
  }
}
