/** A service behind the receiver, for the kit: what it was told to do, and on `/state?of=sub_7_1` what it is in. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { FolderBook, Receiver, type Done, type Order } from "./receiver.js";

const [secret = "", folder = ""] = process.argv.slice(2);
const STATES = { restrict: "restricted", disable: "disabled", resume: "active", delete: "deleted" };
const states = new Map<string, string>();
let counted = 0;
let slow = false;
let broken = false;
const accepted: Order[] = [];

async function obey(order: Order): Promise<Done | undefined> {
  await new Promise((resolve) => setImmediate(resolve));
  if (broken) throw new Error("the disk is full");
  counted += 1;
  if (slow) {
    accepted.push(order);
    return undefined;
  }
  states.set(order.subscription, STATES[order.command]);
  return order.command === "delete" ? { deleted: { files: 3 }, left: { files: 0 } } : {};
}

const receiver = new Receiver([secret], "notes", obey, new FolderBook(folder));
const orders = receiver.handler();
const server = createServer(async (request, response) => {
  const url = new URL(request.url ?? "/", "http://localhost");
  if (url.pathname === "/orders") return orders(request, response);
  const of = url.searchParams.get("of") ?? "";
  if (url.pathname === "/slow") slow = of === "yes";
  if (url.pathname === "/broken") broken = of === "yes";
  const finished = [];
  if (url.pathname === "/done") for (const order of accepted.splice(0)) finished.push(await receiver.done(order, {}));
  const state = states.get(of) ?? "active";
  response.writeHead(200).end(JSON.stringify({ state, counted, finished }));
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
