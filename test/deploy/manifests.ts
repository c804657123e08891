import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import { Service as KnativeService } from "@kubernetes-models/knative/serving.knative.dev/v1/Service";
import { Ajv, type ErrorObject } from "ajv";
import { parseAllDocuments } from "yaml";

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** A document of a manifest, and the file that it stands in. */
export interface Manifest {
  readonly file: string;
  readonly kind: string;
  readonly name: string;
  readonly document: JsonObject;
}

const FOLDER = "infra/deploy";

/** All documents of all manifests. Throws where one is no YAML, or names a key twice. */
export function readManifests(): readonly Manifest[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".yaml"))
    .flatMap((file) => parseManifest(file, readFileSync(path.join(FOLDER, file), "utf8")));
}

export function parseManifest(file: string, text: string): readonly Manifest[] {
  return parseAllDocuments(text).flatMap((parsed) => {
    if (!("errors" in parsed) || parsed.errors.length > 0)
      throw new Error(`${file}: ${"errors" in parsed ? parsed.errors.join("\n") : "is empty"}`);
    const document = parsed.toJS() as JsonObject | null;
    if (document === null) return [];
    return [
      {
        file,
        kind: `${at(document, "apiVersion")}/${at(document, "kind")}`,
        document,
        name: String(at(document, "metadata", "name")),
      },
    ];
  });
}

/** Follows names and indices; undefined where there is nothing. */
export function at(
  from: Json | undefined,
  ...steps: readonly (string | number)[]
): Json | undefined {
  return steps.reduce<Json | undefined>((value, step) => {
    if (value === null || typeof value !== "object") return undefined;
    return (value as Readonly<Record<string | number, Json | undefined>>)[step];
  }, from);
}

const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema(
  JSON.parse(readFileSync("test/fixtures/kubernetes/v1.35-strict.json", "utf8")),
  "k8s",
);

const closed = (properties: object, required: readonly string[] = []): object => ({
  type: "object",
  additionalProperties: false,
  properties,
  required,
});
const names = { type: "object", additionalProperties: { type: "string" } };
const metadata = closed({ name: { type: "string" }, annotations: names, labels: names }, ["name"]);

/** What Knative adds to a pod; its schema says of a pod nothing that is strict. */
const knative = ajv.compile(
  closed(
    {
      apiVersion: { const: "serving.knative.dev/v1" },
      kind: { const: "Service" },
      metadata,
      spec: closed({
        template: closed(
          {
            metadata: closed({ annotations: names }),
            spec: {
              type: "object",
              required: ["containerConcurrency", "timeoutSeconds", "containers"],
              properties: {
                containerConcurrency: { type: "integer", minimum: 1, maximum: 1000 },
                timeoutSeconds: { type: "integer", minimum: 1, maximum: 3600 },
              },
            },
          },
          ["spec"],
        ),
      }),
    },
    ["metadata", "spec"],
  ),
);

/** Of KEDA what is used here; the types of the rest are those of its own schema. */
const keda = ajv.compile(
  closed(
    {
      apiVersion: { const: "keda.sh/v1alpha1" },
      kind: { const: "ScaledObject" },
      metadata,
      spec: closed(
        {
          scaleTargetRef: closed({ name: { type: "string" } }, ["name"]),
          minReplicaCount: { type: "integer", minimum: 0 },
          maxReplicaCount: { type: "integer", minimum: 1 },
          pollingInterval: { type: "integer" },
          cooldownPeriod: { type: "integer" },
          advanced: closed({
            horizontalPodAutoscalerConfig: closed({
              behavior: closed({
                scaleDown: closed({ stabilizationWindowSeconds: { type: "integer" } }),
              }),
            }),
          }),
          triggers: {
            type: "array",
            minItems: 1,
            items: closed(
              {
                type: { const: "prometheus" },
                metricType: { enum: ["AverageValue", "Value"] },
                metadata: closed(
                  {
                    serverAddress: { type: "string" },
                    query: { type: "string" },
                    threshold: { type: "string", pattern: "^[0-9]+$" },
                  },
                  ["serverAddress", "query", "threshold"],
                ),
              },
              ["type", "metadata"],
            ),
          },
        },
        ["scaleTargetRef", "triggers"],
      ),
    },
    ["metadata", "spec"],
  ),
);

const kubernetes: Readonly<Record<string, string>> = {
  "apps/v1/Deployment": "io.k8s.api.apps.v1.Deployment",
  "v1/Service": "io.k8s.api.core.v1.Service",
  "policy/v1/PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
  "networking.k8s.io/v1/NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
};

/** What a document has that its kind has not, or otherwise. */
export function complaintsAbout({ kind, document }: Manifest): readonly string[] {
  const definition = kubernetes[kind];
  if (definition !== undefined) return against(definition, document);
  if (kind === "keda.sh/v1alpha1/ScaledObject")
    return [
      ...told(keda(document), keda.errors),
      ...ownComplaints(new ScaledObject(document as never)),
    ];
  if (kind !== "serving.knative.dev/v1/Service") return [`no schema is known of ${kind}`];
  const {
    containerConcurrency: _,
    timeoutSeconds: __,
    ...pod
  } = at(document, "spec", "template", "spec") as JsonObject;
  return [
    ...told(knative(document), knative.errors),
    ...against("io.k8s.api.core.v1.PodSpec", pod),
    ...ownComplaints(new KnativeService(document as never)),
  ];
}

function against(definition: string, document: Json): readonly string[] {
  const check = ajv.getSchema(`k8s#/definitions/${definition}`);
  if (check === undefined) throw new Error(`there is no ${definition}`);
  return told(check(document) === true, check.errors);
}

/** What a schema found, a sentence each. */
export function told(
  isValid: boolean,
  errors: readonly ErrorObject[] | null | undefined,
): readonly string[] {
  if (isValid) return [];
  return (errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}

/** What the schema of the kind's own makers says. */
function ownComplaints(model: { validate(): void }): readonly string[] {
  try {
    model.validate();
    return [];
  } catch (cause) {
    return [String(cause)];
  }
}
