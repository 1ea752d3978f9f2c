// <arrears-alerts account="acc_12" token="..."></arrears-alerts>: what stands on an account, in somebody else's page.
// No dependency, no inline style, no markup from text: it works under `script-src` and `connect-src` of this origin.
// When its token is too old it fires `arrears-token-needed`; set the attribute `token` anew and it goes on.
(() => {
const ORIGIN = new URL(document.currentScript.src).origin;
const EVERY_MS = 5 * 60 * 1000;
const SHOWN_MAX = 5; // So many stand there at once; the others open on demand.
const CONTRAST_MIN = 4.5;
const WORDS = {
  en: { label: "Payment alerts", settle: "Look at it and pay", more: (n) => `${n} more` },
  nl: { label: "Betalingsmeldingen", settle: "Bekijken en betalen", more: (n) => `Nog ${n}` },
};
// The page's own colour scheme counts, not the system's: a page that is always light gets light boxes.
const STYLE = `
:host { display: block; font: inherit; text-align: start; text-transform: none; letter-spacing: normal; white-space: normal; }
:host([hidden]) { display: none !important; }
section { display: grid; gap: .5rem; }
.alert { border-inline-start: .3rem solid var(--arrears-line, #8a2b1d); background: var(--arrears-soft, #f6eeec);
  color: var(--arrears-ink, #1c2430); padding: .7rem 1rem; border-radius: .3rem; overflow-wrap: anywhere; line-height: 1.5; }
.calm { border-color: var(--arrears-calm-line, #1f5f8b); background: var(--arrears-calm-soft, #eef3f7); }
@supports (color: light-dark(red, red)) {
  .alert { border-color: var(--arrears-line, light-dark(#8a2b1d, #f3a596)); background: var(--arrears-soft, light-dark(#f6eeec, #33211d));
    color: var(--arrears-ink, light-dark(#1c2430, #f3e9e7)); }
  .calm { border-color: var(--arrears-calm-line, light-dark(#1f5f8b, #8cc4ea)); background: var(--arrears-calm-soft, light-dark(#eef3f7, #1b2731)); }
}
p { margin: 0; }
strong { display: block; }
details { display: grid; gap: .5rem; }
details .alert { margin-top: .5rem; }
summary { cursor: pointer; padding: .35rem 0; }
a { color: inherit; display: inline-block; padding: .35rem 0; font-weight: 600; text-underline-offset: .2em; }
a:focus-visible, summary:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }`;

class ArrearsAlerts extends HTMLElement {
  static observedAttributes = ["account", "token"];

  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    this.look = () => { if (document.visibilityState === "visible") this.load(); };
    this.readable = () => readable(this.shadowRoot);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.boxes = new Map();
    this.refusals = 0; // One after the other; a good answer ends them.
    this.said = new Set();
  }

  connectedCallback() {
    this.hidden = true;
    this.timer = setInterval(() => this.load(), EVERY_MS);
    document.addEventListener("visibilitychange", this.look);
    addEventListener("online", this.look);
    this.dark.addEventListener("change", this.readable);
    // The page's language may change under us, on any element around us.
    this.watch = new MutationObserver(() => { if (this.language() !== this.shown) this.load(); });
    this.watch.observe(document.documentElement, { attributes: true, subtree: true, attributeFilter: ["lang"] });
    this.load();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    clearTimeout(this.later);
    document.removeEventListener("visibilitychange", this.look);
    removeEventListener("online", this.look);
    this.dark.removeEventListener("change", this.readable);
    this.watch.disconnect();
  }

  attributeChangedCallback(_name, old, now) {
    if (old === now || !this.isConnected || !this.watch) return;
    this.refused = ""; // Another token, or the account it is for: worth a try, at once for the first.
    clearTimeout(this.later);
    const wait = this.refusals < 2 ? 0 : Math.min(1000 * 2 ** this.refusals, EVERY_MS);
    if (wait) this.later = setTimeout(() => this.load(), wait); else this.load();
  }

  language() {
    const around = this.closest("[lang]");
    return (around ? around.lang : navigator.language || "en").toLowerCase();
  }

  async load() {
    const account = this.getAttribute("account"), token = this.getAttribute("token"), asked = `${account} ${token}`;
    // What was shown last is the best that is known without a network; what was refused is not asked again.
    if (!account || !token || navigator.onLine === false) return;
    if (this.refused === asked) { if (this.old) this.needsToken(); return; }
    const turn = this.turn = (this.turn || 0) + 1;
    const language = this.language();
    let answer;
    try {
      const address = `${ORIGIN}/v1/accounts/${encodeURIComponent(account)}/alerts?lang=${encodeURIComponent(language)}`;
      answer = await fetch(address, { headers: { Authorization: `Bearer ${token}` }, credentials: "omit", referrerPolicy: "no-referrer" });
      if ([401, 403, 404].includes(answer.status)) return this.isRefused(asked, answer.status);
      if (!answer.ok) return;
      answer = await answer.json();
    } catch {
      this.say(`${ORIGIN} could not be asked; is ${location.origin} in its ARREARS_PORTAL_ORIGINS?`);
      return;
    }
    this.refusals = 0;
    if (turn !== this.turn) return;
    this.shown = language;
    this.show(answer);
  }

  isRefused(asked, status) {
    this.refused = asked;
    this.refusals += 1;
    this.old = status === 401;
    if (this.old) this.needsToken();
    else this.say(`account ${this.getAttribute("account")} is not the one that this token is for (${status})`);
  }

  needsToken() { this.dispatchEvent(new CustomEvent("arrears-token-needed", { bubbles: true, composed: true })); }

  say(what) {
    if (!this.said.has(what)) console.warn(`arrears-alerts: ${what}`);
    this.said.add(what);
  }

  // What stands there already stays as it is: it keeps the focus, and no screen reader says it again.
  show({ alerts, language }) {
    const words = WORDS[language] || WORDS.en, root = this.shadowRoot;
    const focused = root.activeElement;
    this.section ||= root.appendChild(make("section", { role: "region" }));
    this.section.setAttribute("aria-label", words.label);
    this.section.lang = language;
    const boxes = new Map(), used = new Map();
    for (const alert of alerts) {
      const said = JSON.stringify([alert.urgent, alert.title, alert.text]);
      used.set(said, (used.get(said) || 0) + 1);
      const key = `${said} ${used.get(said)}`;
      boxes.set(key, this.boxes.get(key) || box(alert));
    }
    this.boxes = boxes;
    const all = [...boxes.values()], more = all.slice(SHOWN_MAX);
    this.summary ||= make("summary");
    this.details ||= make("details");
    if (more.length) {
      if (this.summary.textContent !== words.more(more.length)) this.summary.textContent = words.more(more.length);
      arrange(this.details, [this.summary, ...more]);
    }
    arrange(this.section, [...all.slice(0, SHOWN_MAX), ...(more.length ? [this.details] : [])]);
    if (all.length && /^https?:/.test(alerts[0].settle_url)) {
      this.link ||= make("a");
      if (this.link.textContent !== words.settle) this.link.textContent = words.settle;
      if (this.link.getAttribute("href") !== alerts[0].settle_url) this.link.setAttribute("href", alerts[0].settle_url);
      if (this.link.parentNode !== all[0]) all[0].append(this.link);
    }
    this.hidden = !all.length;
    if (focused && focused.isConnected && root.activeElement !== focused) focused.focus();
    readable(root);
  }
}

function box(alert) {
  const text = make("p");
  text.append(make("strong", {}, alert.title), alert.text);
  const made = make("div", { class: alert.urgent ? "alert" : "alert calm", role: alert.urgent ? "alert" : "status" });
  made.append(text);
  return made;
}

// The children of an element become these; those that are where they should be are not touched.
function arrange(parent, children) {
  for (const child of [...parent.children]) if (!children.includes(child)) child.remove();
  children.forEach((child, at) => { if (parent.children[at] !== child) parent.insertBefore(child, parent.children[at] || null); });
}

// A portal that sets one colour and not the other may meet ours: then the ink is the one that can be read on its ground.
function readable(root) {
  for (const one of root.querySelectorAll(".alert")) {
    one.style.removeProperty("color");
    const style = getComputedStyle(one), ground = light(style.backgroundColor), ink = light(style.color);
    if (ground === null || ink === null) continue;
    const contrast = (Math.max(ground, ink) + 0.05) / (Math.min(ground, ink) + 0.05);
    if (contrast < CONTRAST_MIN) one.style.setProperty("color", ground > 0.18 ? "#111" : "#fff");
  }
}

// The relative luminance of an opaque "rgb(1, 2, 3)"; null for anything else.
function light(color) {
  const found = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(color);
  if (!found) return null;
  const [r, g, b] = found.slice(1).map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function make(name, attributes = {}, text = "") {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

if (!customElements.get("arrears-alerts")) customElements.define("arrears-alerts", ArrearsAlerts);
})();
