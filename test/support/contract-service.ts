import { DocumentCheck, type OpenapiDocument } from "../openapi/document-check.ts";
import type { Exchange } from "../openapi/exchange.ts";

/**
 * Holds what the Worker's tests exchange against the document that the Worker serves. Runs in Node beside the Worker's
 * runtime, which compiles no code while it runs. `PUT /` takes the document, `POST /` an exchange and says as a list where the
 * two disagree.
 */
export function contractService(): (request: ContractRequest) => Promise<Response> {
  let text = "";
  let check: DocumentCheck | undefined;
  return async (request) => {
    if (request.method === "PUT") {
      const given = await request.text();
      // Every test file brings it, and it is the same for all.
      if (given !== text) check = new DocumentCheck(JSON.parse(given) as OpenapiDocument);
      text = given;
      return new Response(null, { status: 204 });
    }
    if (check === undefined) throw new Error("exchanges came before the document");
    return Response.json(await check.disagreements((await request.json()) as Exchange));
  };
}

/** What is read of a request, whose class is the runtime's own. */
interface ContractRequest {
  readonly method: string;
  text(): Promise<string>;
  json(): Promise<unknown>;
}
