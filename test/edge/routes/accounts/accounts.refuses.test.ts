import { describe, expect, test } from "vitest";
import { refusal } from "../../function-double.ts";
import { accountWithCharge, administer } from "../administration.ts";

const refunds = "/v1/accounts/acc_test/refunds";

describe("a refund is refused", () => {
  test.each<[object, string]>([
    [{ amount_micros: 1 }, "/answer"],
    [{ answer: "ans_1" }, "/amount_micros"],
    [{ answer: "ans_1", amount_micros: 0 }, "/amount_micros"],
    [{ answer: "ans_1", amount_micros: 0.5 }, "/amount_micros"],
    [{ answer: "ans_1", amount_micros: -1 }, "/amount_micros"],
    [{ answer: "ans_1", amount_micros: 1, id: "a b" }, "/id"],
    [{ answer: "ans_1", amount_micros: 1, note: "x" }, "/note"],
  ])("%j, naming %s", async (body, pointer) => {
    const problem = await refusal(await administer("POST", refunds, body));
    expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
    expect(problem.errors.map((error) => error.pointer)).toEqual([pointer]);
  });

  test("above what the answer still costs, and of one that was never charged", async () => {
    const { account } = await accountWithCharge("ans_dear", 40);
    const refund = async (answer: string, amount_micros: number) =>
      await administer("POST", `/v1/accounts/${account}/refunds`, { answer, amount_micros });
    expect((await refund("ans_dear", 30)).status).toBe(201);
    for (const [answer, amount] of [
      ["ans_dear", 11],
      ["ans_none", 1],
    ] as const)
      expect(await refusal(await refund(answer, amount))).toMatchObject({
        status: 400,
        errors: [{ pointer: "/amount_micros" }],
      });
    expect((await refund("ans_dear", 10)).status).toBe(201);
  });

  test("of another account's answer", async () => {
    await accountWithCharge("ans_theirs", 40);
    const { account: other } = await accountWithCharge("ans_ours", 40);
    const body = { answer: "ans_theirs", amount_micros: 1 };
    expect((await administer("POST", `/v1/accounts/${other}/refunds`, body)).status).toBe(400);
  });

  test("under an id that stands for another refund", async () => {
    const { account } = await accountWithCharge("ans_named", 40);
    const refund = async (amount_micros: number) =>
      await administer("POST", `/v1/accounts/${account}/refunds`, {
        ...{ id: "rfd_same", answer: "ans_named", amount_micros },
      });
    expect((await refund(5)).status).toBe(201);
    expect(await refusal(await refund(6))).toMatchObject({ status: 409, code: "already_exists" });
  });

  test("on an account that is not there", async () => {
    const body = { answer: "ans_1", amount_micros: 1 };
    const response = await administer("POST", "/v1/accounts/acc_none/refunds", body);
    expect(await refusal(response)).toMatchObject({ status: 404, code: "not_found" });
  });
});

describe("changing an account is refused", () => {
  test.each<[object, string]>([
    [{ name: "B" }, "/name"],
    [{ limits: { rpm: 1 } }, "/limits/rpm"],
    [{ limits: { concurrent: 0 } }, "/limits/concurrent"],
    [{ limits: { concurrent: null } }, "/limits/concurrent"],
    [{ limits: { spend_per_day_micros: 1 } }, "/limits/spend_per_day_micros"],
    [{ stripe_customer_id: "cus 1" }, "/stripe_customer_id"],
  ])("%j, naming %s", async (body, pointer) => {
    const problem = await refusal(await administer("PATCH", "/v1/accounts/acc_test", body));
    expect(problem).toMatchObject({ status: 400, code: "invalid_request" });
    expect(problem.errors.map((error) => error.pointer)).toEqual([pointer]);
  });

  test("where it is not there", async () => {
    const response = await administer("PATCH", "/v1/accounts/acc_none", {});
    expect(await refusal(response)).toMatchObject({ status: 404, code: "not_found" });
  });
});
