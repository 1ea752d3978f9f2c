/**
 * Takes the orders of arrears for a service: verifies, drops what it has seen, keeps orders in order, acknowledges.
 * Node 20 or newer, one process, nothing else. The contract is docs/services.md of arrears; copy this file.
 *
 *     const receiver = new Receiver(["whsec_..."], "notes", obey, new FolderBook("orders"));
 *     createServer(receiver.handler()).listen(9000);
 * `obey(order)` carries out: what it resolves to is done, undefined is begun, and `receiver.done(...)` follows. It may
 * be called twice for one order, if it died meanwhile. What it throws is answered with 500.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import * as fs from "node:fs";
import type { IncomingHttpHeaders as Headers, IncomingMessage, RequestListener } from "node:http";
import { join } from "node:path";

const STATE_AFTER = { restrict: "restricted", disable: "disabled", resume: "active", delete: "deleted" } as const;
export type Command = keyof typeof STATE_AFTER;
export type Counts = Readonly<Record<string, number>>;
export type Order = Readonly<{ id: string; command: Command; account: string; accountName: string; subscription: string;
  generation: number; sequence: number }>;
/** Carried out. Of a deletion: what was deleted and what is left, counted by your own names. */
export type Done = Readonly<{ deleted?: Counts; left?: Counts }>;
/** The newest order of a subscription, and how far it has come; `state` is what the orders that are done have made. */
export type Entry = { readonly subscription: string; accountName: string; generation: number; sequence: number;
  order: string; command: Command | ""; progress: "begun" | "accepted" | "done"; state: string;
  deleted: Counts; left: Counts };
export type Reply = Readonly<{ status: number; body: Record<string, unknown> }>;
export type Obey = (order: Order) => Promise<Done | undefined>;

/** Keeps entries: a file for each, replaced whole, so that what was kept survives a power cut. */
export class FolderBook {
  constructor(private readonly folder: string) {
    fs.mkdirSync(folder, { recursive: true });
  }
  read(subscription: string): Entry | undefined {
    const file = join(this.folder, `${subscription}.json`);
    return fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, "utf8")) as Entry) : undefined;
  }
  write(entry: Entry): void {
    const part = join(this.folder, `${entry.subscription}.part`);
    const file = fs.openSync(part, "w");
    fs.writeSync(file, JSON.stringify(entry));
    fs.fsyncSync(file);
    fs.closeSync(file);
    fs.renameSync(part, join(this.folder, `${entry.subscription}.json`));
  }
  page(after: string, limit: number): Entry[] {
    const known = fs.readdirSync(this.folder).filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5));
    const names = known.filter((name) => name > after).sort().slice(0, limit);
    return names.flatMap((name) => this.read(name) ?? []);
  }
}

const UNSIGNED: Reply = { status: 401, body: { code: "bad_signature" } };
const BODY_BYTES_MAX = 65_536, PAGE_MAX = 500, TOLERANCE_SECONDS = 300, NUMBER_MAX = 2 ** 31 - 1;

export class Receiver {
  private readonly keys: Buffer[];
  private readonly queues = new Map<string, Promise<unknown>>();
  /** `nameOf` says whose a subscription is with you, so that a deletion of somebody else's data is refused. */
  constructor(secrets: readonly string[], private readonly service: string, private readonly obey: Obey,
    readonly book: FolderBook, private readonly nameOf: (subscription: string) => string | undefined = () => "") {
    this.keys = secrets.map((secret) => Buffer.from(secret.replace(/^whsec_/, ""), "base64"));
    if (!this.keys.length || this.keys.some((key) => key.length < 24)) throw new Error("give a whole secret");
  }

  async receive(headers: Headers, body: Buffer): Promise<Reply> {
    if (body.length > BODY_BYTES_MAX) return { status: 413, body: { code: "too_long" } };
    if (!this.isSigned(headers, body)) return UNSIGNED;
    const order = readOrder(body, this.service);
    return "status" in order ? order : this.alone(order.subscription, (entry) => this.take(order, entry));
  }

  states(headers: Headers, after: string, limit: number): Reply {
    if (!this.isSigned(headers, Buffer.alloc(0))) return UNSIGNED;
    const states = this.book.page(after, Math.max(1, Math.min(limit, PAGE_MAX))).map(
      ({ subscription, generation, sequence, command, progress, state }) =>
        ({ subscription, generation, sequence, command, progress, state }));
    return { status: 200, body: { states } };
  }

  /** You have carried out what you had only accepted; this is the answer, also to send as `order.answered`. */
  done(order: Pick<Order, "id" | "subscription">, done: Done): Promise<Reply> {
    return this.alone(order.subscription, async (entry) =>
      entry.order === order.id ? finished(entry, done) : refused("overtaken", "a newer order has come meanwhile"));
  }

  /** For `createServer` of node:http. */
  handler(): RequestListener {
    return async (request, response) => {
      let reply: Reply = { status: 500, body: { code: "failed" } };
      try { reply = await this.answer(request); } catch (error) { console.error("arrears had no answer:", error); }
      response.writeHead(reply.status, { "content-type": "application/json" }).end(JSON.stringify(reply.body));
    };
  }

  private async answer(request: IncomingMessage): Promise<Reply> {
    const asked = new URL(request.url ?? "/", "http://localhost").searchParams, limit = Number(asked.get("limit"));
    if (request.method === "GET") return this.states(request.headers, asked.get("after") ?? "", limit || PAGE_MAX);
    if (request.method !== "POST") return { status: 405, body: { code: "bad_method" } };
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
      if (bytes <= BODY_BYTES_MAX) parts.push(part);
      bytes += part.length;
    }
    return this.receive(request.headers, Buffer.concat(parts));
  }

  /** One at a time for each subscription; what became of its entry is kept, also when carrying out has failed. */
  private alone(subscription: string, work: (entry: Entry) => Promise<Reply>): Promise<Reply> {
    const run = async (): Promise<Reply> => {
      const entry: Entry = this.book.read(subscription) ?? { subscription, accountName: "", generation: 0, sequence: 0,
        order: "", command: "", progress: "done", state: "", deleted: {}, left: {} };
      const before = JSON.stringify(entry);
      try {
        return await work(entry);
      } finally {
        if (JSON.stringify(entry) !== before) this.book.write(entry);
      }
    };
    const mine = (this.queues.get(subscription) ?? Promise.resolve()).then(run, run);
    const last = mine.catch(() => undefined).then(() => {
      if (this.queues.get(subscription) === last) this.queues.delete(subscription);
    });
    this.queues.set(subscription, last);
    return mine;
  }

  private async take(order: Order, entry: Entry): Promise<Reply> {
    if (order.sequence < entry.sequence || order.generation < entry.generation) {
      return { status: 200, body: { state: "overtaken", sequence: entry.sequence } };
    }
    if (order.sequence === entry.sequence) {
      const same = order.id === entry.order && order.command === entry.command;
      if (!same) return refused("same_sequence", `${entry.order} has this sequence`);
      const over = entry.progress === "done" && !Object.keys(entry.left).length;
      if (entry.progress === "accepted" || over) return said(entry);
    } else if (entry.command === "delete") return refused("deleted", "its deletion was ordered; nothing follows that");
    const known = this.nameOf(order.subscription) || entry.accountName;
    if (order.command === "delete" && known && known !== order.accountName) {
      return refused("name_mismatch", `here ${order.subscription} is another customer's; nothing is deleted`);
    }
    const { id, command, generation, sequence, accountName } = order;
    Object.assign(entry, { generation, sequence, order: id, command, progress: "begun",
      accountName: accountName || entry.accountName });
    this.book.write(entry); // Before it is obeyed: what comes late is then known to be late.
    const done = await this.obey(order);
    if (done !== undefined) return finished(entry, done);
    entry.progress = "accepted";
    return said(entry);
  }

  private isSigned(headers: Headers, body: Buffer): boolean {
    const named = ["id", "timestamp", "signature"].map((one) => String(headers[`webhook-${one}`]));
    const [id = "", at = "", given = ""] = named;
    if (!/^\d{1,12}$/.test(at) || Math.abs(Date.now() / 1000 - Number(at)) > TOLERANCE_SECONDS) return false;
    return this.keys.some((key) => {
      const wanted = createHmac("sha256", key).update(`${id}.${at}.`).update(body).digest();
      return given.split(" ").some((one) => {
        const [version, text = ""] = one.split(","), signature = Buffer.from(text, "base64");
        return version === "v1" && signature.length === wanted.length && timingSafeEqual(signature, wanted);
      });
    });
  }
}

function finished(entry: Entry, done: Done): Reply {
  const left = Object.fromEntries(Object.entries(done.left ?? {}).filter(([, count]) => count));
  Object.assign(entry, { progress: "done", deleted: done.deleted ?? {}, left });
  if (!Object.keys(left).length && entry.command) entry.state = STATE_AFTER[entry.command];
  return said(entry);
}
function said(entry: Entry): Reply {
  if (entry.progress !== "done") return { status: 202, body: { state: "accepted", order: entry.order } };
  const counts = entry.command === "delete" ? { deleted: entry.deleted, left: entry.left } : {};
  return { status: 200, body: { state: "done", order: entry.order, ...counts } };
}
const refused = (code: string, detail: string): Reply => ({ status: 409, body: { code, detail } });

/** The order in a signed body, or the answer to what is none. */
function readOrder(body: Buffer, service: string): Order | Reply {
  const bad = (detail: string): Reply => ({ status: 400, body: { code: "bad_order", detail } });
  let message: { type?: unknown; data?: Record<string, unknown> } | null;
  try { message = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)); } catch { return bad("no JSON"); }
  const data = message?.data;
  if (typeof data !== "object" || data === null) return bad("the body has no data");
  const command = typeof message?.type === "string" ? message.type.replace(/^order\./, "") : "";
  if (message?.type !== `order.${command}` || !Object.hasOwn(STATE_AFTER, command)) return bad("its type is no order");
  const name = data.account_name ?? "";
  const isText = (one: unknown): boolean => typeof one === "string" && one.length <= 1000;
  const isNumber = (one: unknown): boolean => Number.isInteger(one) && Number(one) >= 1 && Number(one) <= NUMBER_MAX;
  const texts = [data.order, data.service, data.account, data.subscription, ...(command === "delete" ? [name] : [])];
  if (!texts.every((one) => isText(one) && one) || !isText(name)) return bad("a text is missing or too long");
  if (![data.generation, data.sequence].every(isNumber)) return bad("a number is none from 1");
  const ids = /^sub_([1-9][0-9]{0,17})_[1-9][0-9]{0,5}$/.exec(data.subscription as string);
  if (!ids || data.account !== `acc_${ids[1]}`) return bad("account and subscription are not ids of one account");
  if (data.service !== service) return refused("wrong_service", `this is ${service}`);
  return { id: data.order, command, account: data.account, accountName: name, subscription: data.subscription,
    generation: data.generation, sequence: data.sequence } as Order;
}
