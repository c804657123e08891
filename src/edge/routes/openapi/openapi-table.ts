import * as z from "zod";
import { showOwnAccountRoute } from "../accounts/account.ts";
import { accountRoutes } from "../accounts/accounts.ts";
import { administrationRoutes } from "../accounts/administration.ts";
import { createClientTokenRoute } from "../accounts/client-tokens.ts";
import { keyRoutes } from "../accounts/keys-described.ts";
import { listEntriesRoute } from "../accounts/ledger.ts";
import { paymentRoutes } from "../accounts/payments.ts";
import { listRefusalsRoute } from "../accounts/refusals.ts";
import { sessionRoutes } from "../accounts/sessions-described.ts";
import { listUsageRoute } from "../accounts/usage.ts";
import { answerRoutes, createAnswerRoute } from "../answers/answers-described.ts";
import { batchRoutes } from "../answers/batches-described.ts";
import { imageRoutes } from "../answers/images.ts";
import { createQuoteRoute } from "../answers/quotes.ts";
import { replayAnswerRoute } from "../answers/replays.ts";
import { createScoresRoute } from "../answers/scores.ts";
import { backupRoutes } from "../backups.ts";
import { bundleRoutes } from "../bundles.ts";
import { createChatCompletionRoute } from "../compatible/chat-completions.ts";
import { decisionRoutes } from "../compatible/decisions.ts";
import { modelRoutes } from "../compatible/models.ts";
import { moondreamRoutes } from "../compatible/moondream.ts";
import { placeRoutes } from "../compatible/moondream-places.ts";
import { responseRoutes } from "../compatible/responses/responses-described.ts";
import { resendDeadRoute } from "../dead-messages.ts";
import type { RouteConfig } from "../describe/route.ts";
import { erasureRoutes } from "../erasures.ts";
import { showHealthRoute } from "../health.ts";
import { hearFunctionRoute } from "../heartbeats.ts";
import { showMetricsRoute } from "../metrics.ts";
import { deliveryRoutes } from "../webhooks/webhook-deliveries.ts";
import { endpointRoutes } from "../webhooks/webhook-endpoints.ts";
import { secretRoutes } from "../webhooks/webhook-secret.ts";
import { showWelcomeRoute } from "../welcome.ts";

/** Routes that stand together in the API's description, under the name of a tag. */
export interface RouteGroup {
  readonly name: string;
  readonly description: string;
  readonly routes: readonly RouteConfig[];
}

const documentReply = {
  200: {
    description: "The description.",
    content: { "application/json": { schema: z.looseObject({ openapi: z.string() }) } },
  },
};

/** Every route that there is. */
export const routeGroups: readonly RouteGroup[] = [
  {
    name: "Answers",
    description: "Questions about pictures, and what became of them.",
    routes: [createAnswerRoute, ...answerRoutes, replayAnswerRoute],
  },
  {
    name: "Batches",
    description: "Many questions under one hold, answered when there is room.",
    routes: batchRoutes,
  },
  {
    name: "Quotes",
    description: "What an answer will cost, to the micro-dollar.",
    routes: [createQuoteRoute],
  },
  {
    name: "Scores",
    description: "How likely answers are.",
    routes: [createScoresRoute],
  },
  {
    name: "Pictures",
    description: "Pictures that are kept, to be asked about more than once.",
    routes: imageRoutes,
  },
  {
    name: "Models",
    description: "What can be asked, and the weights of what may be run elsewhere.",
    routes: [...modelRoutes, ...bundleRoutes],
  },
  {
    name: "Compatible",
    description: "The same answers for the clients of OpenAI, of Jev and of Moondream.",
    routes: [
      createChatCompletionRoute,
      ...responseRoutes,
      ...decisionRoutes,
      ...moondreamRoutes,
      ...placeRoutes,
    ],
  },
  {
    name: "Client tokens",
    description: "Short-lived tokens for apps, which must not carry a key.",
    routes: [createClientTokenRoute],
  },
  {
    name: "Usage",
    description: "What was asked, and where the money went.",
    routes: [showOwnAccountRoute, listUsageRoute, listEntriesRoute, listRefusalsRoute],
  },
  {
    name: "Sessions",
    description: "The dashboard's own sign-in: a key or a one-time code, traded for a cookie.",
    routes: sessionRoutes,
  },
  {
    name: "Webhooks",
    description: "Who is told of answers, and what became of telling them.",
    routes: [...endpointRoutes, ...secretRoutes, ...deliveryRoutes],
  },
  {
    name: "Accounts",
    description: "The administrator's: accounts, their credit, and the functions.",
    routes: [...accountRoutes, ...administrationRoutes],
  },
  {
    name: "Erasure",
    description: "How an account goes, and all that is kept of it but money.",
    routes: erasureRoutes,
  },
  {
    name: "Payments",
    description: "How money that was paid becomes credit.",
    routes: paymentRoutes,
  },
  {
    name: "Backups",
    description: "The administrator's: that nothing is lost.",
    routes: [...backupRoutes, resendDeadRoute],
  },
  { name: "Keys", description: "Who may ask.", routes: keyRoutes },
  {
    name: "Service",
    description: "The service itself.",
    routes: [
      showWelcomeRoute,
      showHealthRoute,
      hearFunctionRoute,
      showMetricsRoute,
      {
        method: "get",
        path: "/openapi.json",
        operationId: "showOpenapi",
        summary: "Describe the API",
        responses: documentReply,
      },
      {
        method: "get",
        path: "/openapi-without-webhooks.json",
        operationId: "showOpenapiWithoutWebhooks",
        summary: "Describe the API without its webhooks",
        description: "For generators that stumble over `webhooks`.",
        responses: documentReply,
      },
    ],
  },
];
