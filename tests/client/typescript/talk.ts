// What a TypeScript program does with types that are generated from the document (v1.ts). It prints what it was
// answered, for the test that runs it.
import createClient from "openapi-fetch";
import type { components, paths } from "./v1.js";

declare const process: { argv: string[] };
const [, , baseUrl, token] = process.argv;
const client = createClient<paths>({ baseUrl: baseUrl!, headers: { Authorization: `Bearer ${token}` } });

function said<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const account = said(
  await client.PUT("/v1/accounts/{ref}", {
    params: { path: { ref: "ts-1" } },
    body: { name: "Ann", country: "NL", zone: "Europe/Amsterdam", locale: "nl", payment_mode: "invoice" },
  }),
);
const total: components["schemas"]["Amount"] = { amount_minor: 12000, currency: "EUR" };
const invoice = said(
  await client.PUT("/v1/invoices/{number}", {
    params: { path: { number: "TS-1" } },
    body: { account: "ts-1", services: ["cloud"], issued_on: "2026-05-01", due_on: "2026-05-31", total },
  }),
);
const wrong: components["schemas"]["InvoiceBody"] = {
  account: "ts-1",
  services: ["cloud"],
  issued_on: "2026-05-01",
  due_on: "2026-05-31",
  total,
  // @ts-expect-error: a field that the document does not have is an error of the compiler, and 422 of the server.
  discount: 5,
};
const again = await client.PUT("/v1/invoices/{number}", { params: { path: { number: "TS-1" } }, body: wrong });
const subscription = said(await client.GET("/v1/subscriptions", { params: { query: { account: "ts-1" } } }));
const standing = said(
  await client.GET("/v1/subscriptions/{subscription}/standing", {
    params: { path: { subscription: subscription.subscriptions[0]!.subscription } },
  }),
);
const inTenDays = new Date(Date.now() + 10 * 24 * 3600 * 1000).toISOString().slice(0, 10);
const held = said(
  await client.POST("/v1/holds", {
    params: { header: { "Idempotency-Key": "ts-hold" } },
    body: { account: "ts-1", until: inTenDays, why: "a word from TypeScript", stops: ["disable", "delete"] },
  }),
);
const may: boolean = standing.may.change;
console.log(
  JSON.stringify({
    result: account.result,
    open: invoice.open?.amount_minor,
    wrong: again.error?.code,
    fields: again.error?.fields?.map((one) => one.field),
    standing: standing.standing,
    may,
    hold: held.hold,
  }),
);
