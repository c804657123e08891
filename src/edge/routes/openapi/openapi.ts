import type { Context } from "hono";
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from "zod-openapi";
import { noticeSchema, noticeTypes } from "#wire/api/webhooks/notices.ts";
import { problemSchema } from "#wire/error.ts";
import { errorCodes } from "#wire/error-codes.ts";
import type { EdgeEnv } from "../../env.ts";
import { refusalHeaders, replyHeaders } from "../describe/declared-headers.ts";
import { placed } from "../describe/openapi-events.ts";
import { requestHeaders } from "../describe/request-headers.ts";
import type { RouteConfig } from "../describe/route.ts";
import { describeSchema } from "./openapi-schema.ts";
import { type RouteGroup, routeGroups } from "./openapi-table.ts";

/** `GET /openapi.json`: the API's description, made from the schemas that check requests. */
export function showOpenapi(c: Context<EdgeEnv>): Response {
  return c.json(apiDescription(new URL(c.req.url).origin));
}

/** `GET /openapi-without-webhooks.json`: the same without `webhooks`, for generators that stumble over them. */
export function showOpenapiWithoutWebhooks(c: Context<EdgeEnv>): Response {
  return c.json(withoutWebhooks(apiDescription(new URL(c.req.url).origin)));
}

export type ApiDescription = ReturnType<typeof createDocument>;

/** Made once per isolate, at the first question for it: start-up time is everyone's. */
let described: ApiDescription | undefined;

/** The description of the API as it is served at an address, so that generated clients need not guess one. */
export function apiDescription(origin: string): ApiDescription {
  described ??= describe();
  return { ...described, servers: [{ url: origin, description: "This installation." }] };
}

/** The same for generators that stumble over `webhooks`. */
export function withoutWebhooks(description: ApiDescription): ApiDescription {
  const { webhooks: _, externalDocs: __, ...rest } = description;
  return rest;
}

function describe(): ApiDescription {
  const {
    components,
    paths: described = {},
    webhooks = {},
    ...rest
  } = createDocument(
    {
      openapi: "3.1.0",
      info: {
        title: "Unmask",
        version: "1",
        description:
          "Answers questions about pictures with a masked-diffusion language model. Fields are added to replies as the API grows, and none is renamed: read what you know and pass over the rest.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      externalDocs: {
        url: "/openapi-without-webhooks.json",
        description: "The same without `webhooks`, for generators that stumble over them.",
      },
      tags: routeGroups.map(({ name, description }) => ({ name, description })),
      paths: paths(routeGroups),
      webhooks: notices(),
      components: {
        securitySchemes: {
          key: {
            type: "http",
            scheme: "bearer",
            description:
              "An API key, umk_live_… or umk_test_…, or a client token. A revoked key is refused everywhere within 60 seconds.",
          },
          moondream: {
            type: "apiKey",
            in: "header",
            name: "X-Moondream-Auth",
            description: "The same, where Moondream's clients put it.",
          },
          session: {
            type: "apiKey",
            in: "cookie",
            name: "__Host-unmask_session",
            description:
              "The cookie that POST /v1/sessions sets (unmask_session over plain HTTP on this machine). Good on routes of the dashboard only, for what the session is for; what is not a GET needs X-Unmask-Session too.",
          },
          function: {
            type: "http",
            scheme: "bearer",
            bearerFormat: "JWT",
            description:
              "Signed with Ed25519 by a function's key: iss unmask-function, aud unmask-edge, iat, exp, body_sha256. Good for a minute.",
          },
          admin: {
            type: "http",
            scheme: "bearer",
            description:
              "The administrator's key. Where none is configured these routes are closed.",
          },
        },
      },
    },
    { override: describeSchema },
  );
  return {
    ...rest,
    paths: placed(described),
    webhooks: received(webhooks),
    components: { ...components, "x-errors": errorCodes },
  };
}

function paths(groups: readonly RouteGroup[]): ZodOpenApiPathsObject {
  const described: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  for (const { name, routes } of groups)
    for (const route of routes) {
      described[route.path] ??= {};
      Object.assign(described[route.path] ?? {}, { [route.method]: operation(route, name) });
    }
  return described;
}

function operation(route: RouteConfig, tag: string): ZodOpenApiOperationObject {
  const { operationId, summary, description, security = [], request = {} } = route;
  const { params, query, headers = [], body } = request;
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    security: security.map((one) => ({ ...one })),
    requestParams: {
      ...(params === undefined ? {} : { path: params }),
      ...(query === undefined ? {} : { query }),
      ...(headers.length === 0 ? {} : { header: requestHeaders(headers) }),
    },
    ...(body === undefined ? {} : { requestBody: body }),
    responses: replies(route),
  };
}

/** What a route replies, and that it may refuse. */
function replies({ responses, refusals }: RouteConfig): ZodOpenApiResponsesObject {
  const own = Object.entries(responses).map(([status, { description, headers, content }]) => [
    status,
    {
      description,
      headers: replyHeaders(headers),
      ...(content === undefined ? {} : { content }),
    },
  ]);
  return {
    ...Object.fromEntries(own),
    default: {
      description: "A refusal; `components/x-errors` lists the codes with their statuses.",
      headers: replyHeaders(refusalHeaders),
      content: refusals ?? { "application/problem+json": { schema: problemSchema } },
    },
  };
}

/** What receivers of webhooks are sent, by its `type`: as what we say, which may grow like our replies. */
function notices(): ZodOpenApiPathsObject {
  const described = noticeTypes.map((type) => [
    type,
    {
      post: {
        operationId: `receive${type.replaceAll(/(?:^|[._])([a-z])/g, (_, letter: string) => letter.toUpperCase())}`,
        tags: ["Webhooks"],
        summary: `Told to webhook receivers: ${type}`,
        description:
          "Signed as Standard Webhooks 1.0 says. Anything but 2xx is tried again for four days.",
        security: [],
        responses: {
          200: { content: { "application/json": { schema: noticeSchema(type) } } },
        },
      },
    },
  ]);
  return Object.fromEntries(described);
}

type DescribedPaths = NonNullable<ApiDescription["webhooks"]>;
type DescribedPath = DescribedPaths[string];

/** Turns what we say into what receivers are sent. */
function received(webhooks: DescribedPaths): DescribedPaths {
  const turned = Object.entries(webhooks).map(([type, { post }]): [string, DescribedPath] => {
    const { content = {} } = post?.responses?.["200"] ?? {};
    const requestBody = { required: true, content };
    return [
      type,
      { post: { ...post, requestBody, responses: { 204: { description: "Received." } } } },
    ];
  });
  return Object.fromEntries(turned);
}
