// Forms that a passkey fills in: data-passkey says how.
//   create  a new one, after the options in #passkey-options
//   get     one of the account's, after the same
//   fetch   any of this site's, after options that the address of the form gives

/** @param {string} text @returns {ArrayBuffer} */
function toBytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0)).buffer;
}

/** @param {ArrayBuffer | null | undefined} bytes */
function toText(bytes) {
  if (!bytes) return undefined;
  const plain = String.fromCharCode(...new Uint8Array(bytes));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The browser wants bytes where JSON has text. */
function withBytes(options) {
  const named = (list) => (list ?? []).map((key) => ({ ...key, id: toBytes(key.id) }));
  const read = { ...options, challenge: toBytes(options.challenge) };
  if (options.user) read.user = { ...options.user, id: toBytes(options.user.id) };
  if (options.excludeCredentials) read.excludeCredentials = named(options.excludeCredentials);
  if (options.allowCredentials) read.allowCredentials = named(options.allowCredentials);
  return read;
}

/** @param {PublicKeyCredential} credential */
function asJson(credential) {
  const response = credential.response;
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: {
      clientDataJSON: toText(response.clientDataJSON),
      attestationObject: toText(response.attestationObject),
      authenticatorData: toText(response.authenticatorData),
      signature: toText(response.signature),
      userHandle: toText(response.userHandle),
      transports: response.getTransports?.(),
    },
  });
}

async function optionsFor(form) {
  if (form.dataset.passkey !== "fetch") return JSON.parse(document.getElementById("passkey-options").textContent);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`no options for a passkey: ${answer.status}`);
  return (await answer.json()).request_options;
}

async function ask(form) {
  const publicKey = withBytes((await optionsFor(form)).publicKey);
  if (form.dataset.passkey !== "create") return navigator.credentials.get({ publicKey });
  // One that the device finds by itself also works without a name and a password.
  publicKey.authenticatorSelection = {
    ...publicKey.authenticatorSelection,
    residentKey: "preferred",
    requireResidentKey: false,
    userVerification: "preferred",
  };
  return navigator.credentials.create({ publicKey });
}

const failed = document.querySelector("[data-passkey-failed]");

for (const form of window.PublicKeyCredential ? document.querySelectorAll("form[data-passkey]") : []) {
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    failed.hidden = true;
    form.setAttribute("aria-busy", "true");
    try {
      form.elements.namedItem("credential").value = asJson(await ask(form));
      form.submit();
    } catch (error) {
      failed.hidden = false; // the person changed their mind, or the device has none
      console.warn(error);
    } finally {
      form.removeAttribute("aria-busy");
    }
  });
}
