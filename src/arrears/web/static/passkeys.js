// Passkeys: asks the browser for one, and sends its answer in the form. Everything else works without scripts.
"use strict";
(() => {
  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // The options come as JSON, where bytes are base64url.
  function opened(options) {
    const key = { ...options.publicKey, challenge: bytes(options.publicKey.challenge) };
    if (key.user) key.user = { ...key.user, id: bytes(key.user.id) };
    for (const name of ["allowCredentials", "excludeCredentials"]) {
      if (key[name]) key[name] = key[name].map((one) => ({ ...one, id: bytes(one.id) }));
    }
    return key;
  }

  function sealed(credential) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      authenticatorAttachment: credential.authenticatorAttachment,
      clientExtensionResults: credential.getClientExtensionResults(),
      response,
    });
  }

  async function asked(form) {
    let options;
    if (form.dataset.options) {
      const answer = await fetch(form.dataset.options, { headers: { Accept: "application/json" } });
      options = (await answer.json()).request_options;
    } else {
      const data = JSON.parse(document.getElementById("passkey-options").textContent);
      options = data.request_options || data.creation_options;
    }
    const publicKey = opened(options);
    if (form.dataset.passkey === "get") return navigator.credentials.get({ publicKey });
    publicKey.authenticatorSelection = {
      ...publicKey.authenticatorSelection,
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    };
    return navigator.credentials.create({ publicKey });
  }

  if (!window.PublicKeyCredential) return;
  for (const without of document.querySelectorAll("[data-without-passkeys]")) without.hidden = true;
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const button = form.querySelector("[type=button]");
    const failed = form.querySelector("[data-failed]");
    form.hidden = false;
    const use = async () => {
      button.disabled = true;
      failed.hidden = true;
      try {
        form.elements.credential.value = sealed(await asked(form));
        form.submit();
      } catch {
        button.disabled = false;
        failed.hidden = false;
      }
    };
    button.addEventListener("click", use);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      use();
    });
  }
})();
