import { engineProviders } from "#inference/runtime/node-engine.ts";
import { CONNECTION_HELP } from "../connection.ts";
import { PRESETS } from "./files/presets.ts";

const presets = PRESETS.map(({ name }) => name).join(" ");

export const EVAL_HELP: string = `Asks the questions of a test set and tells how many answers are right, how fast and at what price, side by side with other models.

Usage: unmask eval FILE [option …] [--against URL --model NAME [option …]] …

  unmask eval questions.jsonl
  unmask eval docvqa.parquet --preset docvqa --out results.jsonl
  unmask eval questions.jsonl --modes exact,fast --steps 8,16,32 --html report.html
  unmask eval MMStar.tsv --preset mmstar --against http://127.0.0.1:8000/v1 --model Qwen/Qwen2-VL-7B-Instruct --html report.html

The test set: JSONL, JSON, TSV (VLMEvalKit's), CSV or Parquet (Hugging Face's), by the ending of its name. A line of JSONL:
  {"image": "000.png", "question": "What is this?", "answer": ["A dog.", "A puppy."], "family": "what"}

  image     path from the file's folder, base64 or data URI, address, {bytes, path}, or a list of these; in a table also the
            index of an earlier row, whose picture it is; may be absent
  question  or "messages": [{"role", "content"} …], the last one the user's, or LLaVA's "conversations"; "hint" goes before it
  answer    text or list of texts, of which the best match counts; of choices their letter, text, or number from 0
  choices   texts to choose from, or columns A, B, …; listed as A., B., … below the question if it does not list them itself
  metric    (choice where there are choices, else --metric)
  family    row of the table, such as "category"
  id, canvas, steps

Columns that published sets call otherwise are recognised, and what was read from where is told. What belongs to a question and
is not read, columns that mean the same in different rows, a picture that is missing, an id that comes twice: told by line, and
nothing is asked.
  --map PART=COLUMN,…
                reads a part of the question from there, such as --map question=query; may stand several times
  --pictures DIR, --keep-pictures DIR
                what paths start from (the file's folder); where pictures at addresses are fetched to, once
  --skip-faulty, --ignore-unread
                leave such rows out, and count them; ask although not all is read
  --preset NAME canvas, steps, block, stop texts, prompt and metric with which LLaDA-V was measured
                ${presets}

  --metric NAME of rows that name none and have no choices (the preset's, else exact)

Metrics, each from 0 to 1; case, space around and one full stop at the end never count:
  exact     1 where the texts are equal
  choice    1 where the answer is or names the letter or the text of the right choice, and of no other
  anls      1 - edit distance / length of the longer text, 0 from a distance of a half on (ST-VQA, DocVQA)
  relaxed   numbers may be 5 % off, anything else must be equal (ChartQA)
  number    1 where the last number of the answer is the expected one, to its last place; texts must be equal
  vqa       matches among nine of ten people's answers / 3, at most 1, over all nines (VQA)
  words     words that both have / words of the longer text, in any order

Our columns, one for each of these together:
  --modes exact|cached|fast,…
                how the passes are computed (the model's own); --refresh N: steps between computings of the prompt, of cached
  --canvas N,…  positions to fill (the line's own, else the preset's, else 32)
  --steps N,…   passes, at most as many as the canvas (the line's own, else the preset's, else the canvas)
  --choices listed|read,…
                how questions with choices are asked: as text below which they are listed, or read as a field, whose value is one
                of them with a probability; canvas, steps and what a preset writes behind a question are not for such (listed)
  --engine api|local
                through the API, or in this process (api)
  --bundle DIR, --version V, --provider ${engineProviders.join("|")}, --threads N
                for --engine local: folder or s3://bucket/prefix with the bundle, and how to run it
  --model NAME  which model (the one that is served; unmask-demo of a local bundle)
  --cache       let answers come from the cache: faster, but latency and charge are then the cache's

Columns of others; what stands behind an --against is of that one:
  --against URL an API of OpenAI's form, up to and with its /v1; several make a column each
  --model NAME  what the server calls the model
  --name NAME   what its column is called (the model)
  --wire chat|responses
                POST URL/chat/completions with pictures as data URIs, or POST URL/responses (chat)
  --api-key-env VARIABLE
                the environment variable that holds its key (none is sent)
  --max-tokens N
                tokens of an answer (as many as our largest canvas)
  --price-in DOLLARS, --price-out DOLLARS
                for a million tokens; without them its cost is "-"
  --logprobs    ask for the tokens' probabilities: their geometric mean is the answer's confidence
  --only-against
                leave our own columns out

The run:
  --families A,…, --limit N
                only these families; only the first N questions of them
  --concurrency N
                questions at one time, through an API (1)
  --out FILE    write a line for every question and column: answer, confidence, score, ms, charge
  --resume      go on with the --out of an evaluation that was stopped; what got no answer is asked again
  --baseline FILE
                the --out of an earlier evaluation: compares question by question, and ends with 1 where the loss over all is no
                accident (exact McNemar test, one-sided, 0.05; for scores between 0 and 1 by resampling)
  --html FILE   write a report with plots, and with the questions on which columns disagree and their pictures
  --note TEXT   what a reader of the report must know, such as how differently the models were trained; stands below its title
  --seed N      of the bootstrap that makes intervals of scores between 0 and 1 (0)
  --json        the report as JSON
${CONNECTION_HELP}

Intervals are Wilson's for scores of 0 and 1. REFUSED questions score 0. FAILED ones, where a server gave no reply that can be
read, have no score; 429 and 5xx are tried again, as late as Retry-After says. Of answers that did not come plain, the last lines
count those that are empty, declined, cut off, unclear (no choice, or several), extracted from a longer text, and explained (a
right answer with more around it, which scores 0 by this metric). OUTSIDE: of pictures that the model was not trained for. AURC:
how wrong answers are when only the surest are taken, the mean over all shares; 0 is best. LOST, WON: questions right before and
wrong now, and the other way round. CHANCE: how likely so great a loss is where nothing changed; between columns so great a
difference, either way, corrected for the number of comparisons (exact McNemar test, Holm).

Exit codes: 0 done · 1 refused, a column that ended early, or worse than the baseline · 64 wrong usage · 69 not there or not
ready, try again · 130 interrupted
`;
