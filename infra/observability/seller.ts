import type { DashboardTerms } from "./dashboard.ts";

/** Who sells answers: what comes in, who runs out of credit, what customers are refused. */
export const seller: DashboardTerms = {
  uid: "unmask-seller",
  title: "Unmask: seller",
  description: "What comes in, who runs out of credit, and what customers are refused.",
  rows: [
    {
      title: "What comes in",
      panels: [
        {
          title: "Charged in the last day",
          description: "By model, before refunds.",
          kind: "stat",
          unit: "currencyUSD",
          queries: [
            {
              expr: "sum by (model) (increase(unmask_edge_charged_micros_total[1d])) / 1e6",
              legend: "{{model}}",
            },
          ],
        },
        {
          title: "Charged an hour",
          description: "By model, and what was given back.",
          kind: "timeseries",
          unit: "currencyUSD",
          queries: [
            {
              expr: "sum by (model) (rate(unmask_edge_charged_micros_total[1h])) * 3600 / 1e6",
              legend: "{{model}}",
            },
            {
              expr: "sum(rate(unmask_edge_refunded_micros_total[1h])) * 3600 / 1e6",
              legend: "given back",
            },
          ],
        },
        {
          title: "A charge, on average",
          description: "What an answer or a batch was charged.",
          kind: "timeseries",
          unit: "currencyUSD",
          queries: [
            {
              expr: "sum by (model) (rate(unmask_edge_charged_micros_total[1h])) / sum by (model) (rate(unmask_edge_charges_total[1h])) / 1e6",
              legend: "{{model}}",
            },
          ],
        },
        {
          title: "Steps sold",
          description: "Unmasking steps that were charged, per second.",
          kind: "timeseries",
          unit: "ops",
          queries: [
            { expr: "sum by (model) (rate(unmask_edge_steps_total[1h]))", legend: "{{model}}" },
          ],
        },
        {
          title: "Credit sold in the last day",
          description: "Grants and payments, less what was taken back.",
          kind: "stat",
          unit: "currencyUSD",
          queries: [{ expr: "delta(unmask_edge_credit_issued_micros[1d]) / 1e6", legend: "sold" }],
        },
        {
          title: "Where the credit is",
          description:
            "Still to be spent, set aside, spent, and owed for payments that were returned.",
          kind: "timeseries",
          unit: "currencyUSD",
          queries: [
            { expr: "unmask_edge_credit_available_micros / 1e6", legend: "available" },
            { expr: "unmask_edge_credit_held_micros / 1e6", legend: "held" },
            { expr: "unmask_edge_credit_captured_micros / 1e6", legend: "spent" },
            { expr: "unmask_edge_credit_owed_micros / 1e6", legend: "owed" },
          ],
        },
      ],
    },
    {
      title: "Customers",
      panels: [
        {
          title: "Accounts",
          description: "Accounts that have credit, or had.",
          kind: "stat",
          unit: "short",
          queries: [{ expr: "unmask_edge_accounts", legend: "accounts" }],
        },
        {
          title: "Out of credit within a day",
          description: "At the rate of their last day.",
          kind: "stat",
          unit: "short",
          queries: [{ expr: "unmask_edge_accounts_near_zero", legend: "accounts" }],
        },
        {
          title: "Who, and when",
          description: "The soonest twenty: write to them before their customers do.",
          kind: "table",
          unit: "s",
          queries: [
            {
              expr: "sort(sum by (account) (unmask_edge_account_zero_seconds))",
              legend: "{{account}}",
            },
          ],
        },
        {
          title: "Answers by outcome",
          description: "Of the last hour.",
          kind: "timeseries",
          unit: "short",
          queries: [
            {
              expr: "sum by (outcome) (increase(unmask_edge_answers_total[1h]))",
              legend: "{{outcome}}",
            },
          ],
        },
        {
          title: "Refused for money",
          description: "Requests an hour that a limit or an empty account turned away.",
          kind: "timeseries",
          unit: "short",
          queries: [
            {
              expr: 'sum by (code) (increase(unmask_edge_refusals_total{code=~"insufficient_credit|spend_limit_reached|price_above_maximum"}[1h]))',
              legend: "{{code}}",
            },
          ],
        },
        {
          title: "Refused for load",
          description: "Requests an hour that would have been paid.",
          kind: "timeseries",
          unit: "short",
          queries: [
            {
              expr: 'sum by (code) (increase(unmask_edge_refusals_total{code=~"overloaded|weights_loading|function_unreachable|rate_limited|too_many_concurrent"}[1h]))',
              legend: "{{code}}",
            },
          ],
        },
      ],
    },
  ],
};
