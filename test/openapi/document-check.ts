import { decodeSse } from "#wire/codec/sse.ts";
import { bodyBytes, type Exchange, type Told } from "./exchange.ts";
import { formValue, textValue } from "./form.ts";
import { closed, type Schema, Schemas } from "./schemas.ts";

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Header {
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Media {
  readonly schema?: Schema;
  /** Of a stream of events: the schema of their data, by name. */
  readonly "x-events"?: Readonly<Record<string, Schema>>;
}

type Content = Readonly<Record<string, Media>>;
type Refers = { readonly $ref: string };

interface Reply {
  readonly headers?: Readonly<Record<string, Header | Refers>>;
  readonly content?: Content;
}

interface Operation {
  readonly parameters?: readonly (Parameter | Refers)[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Reply>>;
}

/** What the check reads of an OpenAPI 3.1 document. */
export interface OpenapiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
}

/** Sentences that only a schema makes (`field-sentence.ts`): what they refuse, the document must refuse too. */
const schemaSentence =
  /^(?:is missing|unknown field|must not be empty|must be (?:text|a number|a whole number|true or false|null|a list|an object|(?:at most|at least|below|above) -?[0-9.]+|"[^"]*".*)|must have at (?:most|least) [0-9]+ (?:characters?|items?)|has none of the forms that are possible here)$/;

/** Statuses with which a server that checks a request refuses one before it looks at anything else. */
const unread: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 409, 413, 415]);

/** Headers of the transport and of browsers, which an API's description does not name. */
const unnamed = /^(?:access-control-.*|content-(?:length|type)|date|vary|transfer-encoding)$/;

/** Holds requests and replies against a document, both ways. */
export class DocumentCheck {
  readonly #document: OpenapiDocument;
  readonly #requests: Schemas;
  readonly #replies: Schemas;

  constructor(document: OpenapiDocument) {
    this.#document = document;
    const schemas = document.components["schemas"] as Readonly<Record<string, Schema>>;
    this.#requests = new Schemas(schemas);
    this.#replies = new Schemas(
      Object.fromEntries(
        Object.entries(schemas).map(([name, schema]) => [name, closed(schema) as Schema]),
      ),
    );
  }

  /** Says where server and document disagree about an exchange; empty where they do not. */
  async disagreements(exchange: Exchange): Promise<string[]> {
    const { method, target, status } = exchange;
    const url = new URL(target, "https://api.test");
    const found = this.#find(method, url.pathname);
    if (found === undefined) {
      const isKnown = status < 400 && method !== "OPTIONS";
      return isKnown ? [`the document knows no ${method} ${url.pathname}`] : [];
    }
    const { operation, params } = found;
    const faults = await this.#requestFaults(operation, exchange, url, params);
    return [
      ...this.#refusalFaults(exchange, faults),
      ...(await this.#replyFaults(operation, exchange)),
    ].map((fault) => `${method} ${target} → ${status}: ${fault}`);
  }

  #find(
    method: string,
    path: string,
  ): { readonly operation: Operation; readonly params: ReadonlyMap<string, string> } | undefined {
    const parts = path.split("/");
    for (const [template, methods] of Object.entries(this.#document.paths)) {
      const operation = methods[(method === "HEAD" ? "GET" : method).toLowerCase()];
      const names = template.split("/");
      const isHere = names.every((name, index) => name === parts[index] || name.startsWith("{"));
      if (operation === undefined || names.length !== parts.length || !isHere) continue;
      const params = names.flatMap((name, index): [string, string][] =>
        name.startsWith("{") ? [[name.slice(1, -1), decoded(parts[index] ?? "")]] : [],
      );
      return { operation, params: new Map(params) };
    }
    return undefined;
  }

  async #requestFaults(
    { parameters = [], requestBody }: Operation,
    { request }: Exchange,
    url: URL,
    params: ReadonlyMap<string, string>,
  ): Promise<string[]> {
    const known = parameters.map((parameter) => this.#resolve(parameter));
    const faults = known.flatMap((parameter) => {
      const text = {
        path: params.get(parameter.name),
        query: url.searchParams.get(parameter.name) ?? undefined,
        header: request.headers[parameter.name.toLowerCase()],
      }[parameter.in];
      if (text === undefined)
        return parameter.required === true ? [`${parameter.name} is required`] : [];
      return this.#requests
        .problems(parameter.schema, textValue(text, parameter.schema))
        .map((problem) => `${parameter.in} ${parameter.name} ${problem}`);
    });
    const queries = known.filter((parameter) => parameter.in === "query");
    const unknown = [...url.searchParams.keys()].filter(
      (name) => !queries.some((parameter) => parameter.name === name),
    );
    return [
      ...faults,
      ...unknown.map((name) => `query ${name} is not known`),
      ...(requestBody === undefined ? [] : await this.#bodyFaults(requestBody, request)),
    ];
  }

  async #bodyFaults(
    { required = false, content }: NonNullable<Operation["requestBody"]>,
    request: Told,
  ): Promise<string[]> {
    if (request.isStream) return [];
    const contentType = request.headers["content-type"] ?? "";
    const media = mediaOf(content, contentType);
    if (request.body === null && contentType === "")
      return required ? ["the body is required"] : [];
    if (media?.schema === undefined) return [`${contentType || "no media type"} is not known`];
    const bytes = bodyBytes(request);
    const schema = this.#resolve(media.schema);
    if (contentType.startsWith("multipart/")) {
      try {
        const value = await formValue(bytes, contentType, schema, (part) => this.#resolve(part));
        return this.#requests.problems(media.schema, value);
      } catch {
        return ["the body is no form"];
      }
    }
    if (!isJson(contentType)) return [];
    const json = parsed(bytes);
    return json === undefined
      ? ["the body is no JSON"]
      : this.#requests.problems(media.schema, json.value);
  }

  /** What the validator takes the server must take, and the other way round. */
  #refusalFaults({ status, reply, request }: Exchange, faults: readonly string[]): string[] {
    const text = new TextDecoder().decode(bodyBytes(reply));
    const isOfShape = status === 400 || (status === 422 && /^{"detail":\[/.test(text));
    if (faults.length > 0)
      return unread.has(status) || isOfShape
        ? []
        : [`the server takes what the document refuses: ${faults.join("; ")}`];
    const isEncoded = "content-encoding" in request.headers;
    if (status === 415 && !isEncoded && !request.isStream)
      return [`the server refuses the media type that the document names: ${text}`];
    const isOfSchema = fieldMessages(text).some((message) => schemaSentence.test(message));
    return isOfShape && isOfSchema && !request.isStream
      ? [`the server refuses what the document takes: ${text}`]
      : [];
  }

  async #replyFaults(
    { responses }: Operation,
    { method, status, reply }: Exchange,
  ): Promise<string[]> {
    const described =
      responses[status] ?? responses[`${Math.floor(status / 100)}XX`] ?? responses["default"];
    if (described === undefined || (status < 400 && responses[status] === undefined))
      return ["the document does not know this status"];
    return [
      ...this.#headerFaults(described, reply),
      ...(method === "HEAD" ? [] : await this.#contentFaults(described, reply)),
    ];
  }

  #headerFaults({ headers = {} }: Reply, { headers: told }: Told): string[] {
    const known = new Map(
      Object.entries(headers).map(([name, header]) => [name.toLowerCase(), this.#resolve(header)]),
    );
    const missing = [...known].flatMap(([name, { required }]) =>
      required === true && !(name in told) ? [`header ${name} is missing`] : [],
    );
    const wrong = Object.entries(told).flatMap(([name, text]) => {
      if (unnamed.test(name)) return [];
      const header = known.get(name);
      if (header === undefined) return [`header ${name} is not known`];
      return this.#replies
        .problems(header.schema, textValue(text, header.schema))
        .map((problem) => `header ${name} ${problem}`);
    });
    return [...missing, ...wrong];
  }

  async #contentFaults({ content = {} }: Reply, reply: Told): Promise<string[]> {
    const contentType = reply.headers["content-type"] ?? "";
    if (Object.keys(content).length === 0)
      return reply.body === null && !reply.isStream ? [] : ["it has a body and should have none"];
    const media = mediaOf(content, contentType);
    if (media === undefined) return [`${contentType || "no media type"} is not known`];
    if (reply.isStream && reply.body !== null) return await this.#eventFaults(media, reply);
    if (media.schema === undefined || reply.isStream || !isJson(contentType)) return [];
    const json = parsed(bodyBytes(reply));
    if (json === undefined) return ["the body is no JSON"];
    return this.#replies.problems(closed(media.schema) as Schema, json.value);
  }

  async #eventFaults({ "x-events": events = {} }: Media, reply: Told): Promise<string[]> {
    const { body } = new Response(Buffer.from(bodyBytes(reply)));
    const faults: string[] = [];
    for await (const { event, data } of body === null ? [] : decodeSse(body)) {
      const schema = events[event];
      // How OpenAI's streams say that they are complete.
      if (event === "message" && data === "[DONE]") continue;
      if (schema === undefined) faults.push(`event ${event} is not known`);
      else
        faults.push(
          ...this.#replies
            .problems(closed(schema) as Schema, JSON.parse(data))
            .map((problem) => `event ${event} ${problem}`),
        );
    }
    return faults;
  }

  #resolve<Value extends object>(value: Value | Refers): Value {
    if (!("$ref" in value)) return value;
    const [, , kind = "", name = ""] = value.$ref.split("/");
    const found = this.#document.components[kind]?.[name];
    if (found === undefined) throw new Error(`the document refers to ${value.$ref}`);
    return found as Value;
  }
}

/** The media type of a body among those that are known: by its name, or by a range. */
function mediaOf(content: Content, contentType: string): Media | undefined {
  const type = contentType.split(";")[0]?.trim().toLowerCase() ?? "";
  return content[type] ?? content[`${type.split("/")[0]}/*`];
}

/** What a refusal says of each field; in OpenAI's shape only of the first, in Jev's as FastAPI lists them. */
function fieldMessages(text: string): string[] {
  try {
    const { errors, error, detail } = JSON.parse(text) as {
      readonly errors?: readonly { readonly message: string }[];
      readonly error?: { readonly message: string };
      readonly detail?: unknown;
    };
    if (Array.isArray(detail)) return detail.map(({ msg }: { readonly msg: string }) => msg);
    const first = error?.message.replace(/^[^:]*: /, "").replace(/(?: \(and .*\))?\.$/, "");
    return errors?.map(({ message }) => message) ?? (first === undefined ? [] : [first]);
  } catch {
    return [];
  }
}

function isJson(contentType: string): boolean {
  return /^application\/(?:[a-z.-]+\+)?json\b/.test(contentType.toLowerCase());
}

function parsed(bytes: Uint8Array): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch {
    return undefined;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
