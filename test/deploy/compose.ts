import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { type Json, type JsonObject, told } from "./manifests.ts";

export const COMPOSE_FILE = "infra/deploy/compose/compose.yaml";
export const GPU_FILE = "infra/deploy/compose/compose.gpu.yaml";

/** A compose file as it is written, anchors and merges put in. */
export function readComposeFile(text: string): JsonObject {
  return parse(text, { merge: true }) as JsonObject;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
const schema = ajv.compile(
  JSON.parse(readFileSync("test/fixtures/compose/compose-spec.json", "utf8")) as object,
);

/** What a file has that no compose file has, or otherwise. */
export function composeComplaints(document: Json): readonly string[] {
  return told(schema(document), schema.errors);
}
