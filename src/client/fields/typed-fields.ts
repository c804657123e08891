import type {
  ClosedFieldBody,
  ListFieldBody,
  OpenFieldBody,
  UnfinishedFieldBody,
} from "#wire/api/answers/fields/field-body.ts";
import type { AskedFieldBody, FieldsBody } from "#wire/api/answers/fields/fields-body.ts";
import type { Answer, AnswerUpdate } from "../stream/updates.ts";

/** Fields as a request defines them, by the names that the answer has them under. */
export type Fields = FieldsBody;

/** What a field's value is, by its definition: null where the model abstains or sees none, or the answer ended before it. */
export type ValueOf<Asked extends AskedFieldBody> = Known<Asked> | null;

/** The values of fields, by their names. */
export type Values<Asked extends Fields> = {
  readonly [Name in keyof Asked]: ValueOf<Asked[Name]>;
};

/** What was read of fields, by their names. */
export type ReadFields<Asked extends Fields> = {
  readonly [Name in keyof Asked]: ReadField<Asked[Name]>;
};

/** An answer to fields, typed as they were asked. */
export type FieldsAnswer<Asked extends Fields> = Omit<Answer, "fields"> & {
  readonly fields: ReadFields<Asked>;
};

/** As `AnswerUpdate`, typed as the fields were asked. */
export type FieldsUpdate<Asked extends Fields> =
  | Extract<
      AnswerUpdate,
      { readonly event: "answer.started" | "answer.restarted" | "answer.frame" }
    >
  | FieldCompleted<Asked>
  | ({
      readonly event:
        | "answer.snapshot"
        | "answer.completed"
        | "answer.partial"
        | "answer.cancelled";
    } & FieldsAnswer<Asked>);

/** The values of whatever answer it is: none of one that was asked for words. */
export type ValuesIn<Told> = Told extends { readonly fields: infer Read }
  ? {
      readonly [Name in keyof Read]: Read[Name] extends { readonly value: infer Value }
        ? Value
        : never;
    }
  : Readonly<Record<string, ClosedFieldBody["value"] | ListFieldBody["value"]>>;

/** What was read of a field. One that the answer ended before says so: `unfinished`, and nothing else. */
export type ReadField<Asked extends AskedFieldBody> = Asked extends {
  readonly type: "boolean" | "choice" | "score";
}
  ? OrUnfinished<Closed<Known<Asked>>>
  : Asked extends { readonly type: "number" }
    ? OrUnfinished<Closed<number> | Valued<OpenFieldBody, number>>
    : Asked extends { readonly type: "list"; readonly items: infer Items extends AskedFieldBody }
      ? OrUnfinished<
          Omit<ListFieldBody, "value" | "items"> & {
            readonly value: readonly ValueOf<Items>[];
            readonly items: readonly ReadItem<Items>[];
          }
        >
      : OrUnfinished<Valued<OpenFieldBody, string>>;

type ReadItem<Asked extends AskedFieldBody> = Exclude<
  ReadField<Asked>,
  { readonly unfinished: true }
>;

/** A field is known and stays so, unless the answer begins anew. */
export type FieldCompleted<Asked extends Fields> = {
  [Name in keyof Asked & string]: {
    readonly event: "field.completed";
    readonly field: Name;
  } & ReadItem<Asked[Name]>;
}[keyof Asked & string];

type Known<Asked extends AskedFieldBody> = Asked extends { readonly type: "boolean" }
  ? boolean
  : Asked extends { readonly type: "choice" | "score"; readonly criteria: infer Criteria }
    ? OptionOf<Criteria>
    : Asked extends { readonly type: "number" }
      ? number
      : Asked extends { readonly type: "list"; readonly items: infer Items extends AskedFieldBody }
        ? readonly ValueOf<Items>[]
        : string;

/** Options stand in a list, as texts or with what they mean, or are the names of an object's members. */
type OptionOf<Criteria> = Criteria extends readonly (infer Option)[]
  ? Option extends { readonly value: infer Value extends string }
    ? Value
    : Extract<Option, string>
  : Extract<keyof Criteria, string>;

type Valued<Body, Value> = Omit<Body, "value"> & { readonly value: Value | null };

type Closed<Value> = Omit<ClosedFieldBody, "value" | "guess" | "probabilities"> & {
  readonly value: Value | null;
  readonly guess: Value;
  readonly probabilities: readonly { readonly value: Value; readonly probability: number }[];
};

/** Members of a field that is not there are undefined, so that they need no asking for whether they are. */
type OrUnfinished<Body> =
  | (Body & { readonly unfinished?: undefined })
  | (UnfinishedFieldBody & {
      readonly [Name in Exclude<KeysOf<Body>, keyof UnfinishedFieldBody>]?: undefined;
    });

type KeysOf<Body> = Body extends unknown ? keyof Body : never;
