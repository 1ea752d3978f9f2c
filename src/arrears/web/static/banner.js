// <arrears-alerts account="acc_12" token="..."></arrears-alerts>: what stands on an account, in somebody else's page.
// No dependency, no inline style, no markup from text: it works under `script-src` and `connect-src` of this origin.
// When its token is too old it fires `arrears-token-needed`; set the attribute `token` anew and it goes on.
(() => {
const ORIGIN = new URL(document.currentScript.src).origin;
const EVERY_MS = 5 * 60 * 1000;
const WORDS = {
  en: { label: "Payment alerts", settle: "Look at it and pay" },
  nl: { label: "Betalingsmeldingen", settle: "Bekijken en betalen" },
};
const STYLE = `
:host { display: block; font: inherit; }
:host([hidden]) { display: none; }
section { display: grid; gap: .5rem; }
.alert { border-inline-start: .3rem solid var(--arrears-line, #8a2b1d); background: var(--arrears-soft, #f6eeec);
  color: var(--arrears-ink, #1c2430); padding: .7rem 1rem; border-radius: .3rem; overflow-wrap: anywhere; }
.calm { border-color: var(--arrears-calm-line, #1f5f8b); background: var(--arrears-calm-soft, #eef3f7); }
p { margin: 0; }
strong { display: block; }
a { color: inherit; display: inline-block; padding: .35rem 0; font-weight: 600; text-underline-offset: .2em; }
a:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
@media (prefers-color-scheme: dark) {
  .alert { background: var(--arrears-soft, #33211d); color: var(--arrears-ink, #f3e9e7); border-color: var(--arrears-line, #f3a596); }
  .calm { background: var(--arrears-calm-soft, #1b2731); border-color: var(--arrears-calm-line, #8cc4ea); }
}`;

class ArrearsAlerts extends HTMLElement {
  static observedAttributes = ["account", "token"];

  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
    this.seen = () => { if (document.visibilityState === "visible") this.load(); };
  }

  connectedCallback() {
    this.hidden = true;
    this.timer = setInterval(() => this.load(), EVERY_MS);
    document.addEventListener("visibilitychange", this.seen);
    // The page's language may change under us, on any element around us.
    this.watch = new MutationObserver(() => { if (this.language() !== this.shown) this.load(); });
    this.watch.observe(document.documentElement, { attributes: true, subtree: true, attributeFilter: ["lang"] });
    this.load();
  }

  disconnectedCallback() {
    clearInterval(this.timer);
    document.removeEventListener("visibilitychange", this.seen);
    this.watch.disconnect();
  }

  attributeChangedCallback() { if (this.isConnected && this.watch) this.load(); }

  language() {
    const around = this.closest("[lang]");
    return (around ? around.lang : navigator.language || "en").toLowerCase();
  }

  async load() {
    const account = this.getAttribute("account"), token = this.getAttribute("token");
    if (!account || !token) return;
    const turn = this.turn = (this.turn || 0) + 1;
    const language = this.language();
    let answer;
    try {
      const address = `${ORIGIN}/v1/accounts/${encodeURIComponent(account)}/alerts?lang=${encodeURIComponent(language)}`;
      answer = await fetch(address, { headers: { Authorization: `Bearer ${token}` }, credentials: "omit", referrerPolicy: "no-referrer" });
      if (answer.status === 401) {
        this.dispatchEvent(new CustomEvent("arrears-token-needed", { bubbles: true, composed: true }));
        return;
      }
      if (!answer.ok) return;
      answer = await answer.json();
    } catch {
      return; // What was shown last is still the best that is known.
    }
    if (turn !== this.turn) return;
    this.shown = language;
    this.show(answer);
  }

  show({ alerts, language }) {
    const words = WORDS[language] || WORDS.en;
    const section = make("section", { role: "region", "aria-label": words.label, lang: language });
    for (const alert of alerts) {
      const box = make("div", { class: alert.urgent ? "alert" : "alert calm", role: alert.urgent ? "alert" : "status" });
      const text = make("p");
      text.append(make("strong", {}, alert.title), alert.text);
      box.append(text);
      section.append(box);
    }
    if (alerts.length) {
      const [first] = alerts;
      if (/^https?:/.test(first.settle_url)) section.firstChild.append(make("a", { href: first.settle_url }, words.settle));
    }
    this.hidden = !alerts.length;
    this.shadowRoot.replaceChildren(section);
  }
}

function make(name, attributes = {}, text = "") {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text) element.textContent = text;
  return element;
}

if (!customElements.get("arrears-alerts")) customElements.define("arrears-alerts", ArrearsAlerts);
})();
