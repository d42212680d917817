// Passkeys: fetch a challenge, let the device answer it, and send the answer as an ordinary form.
const ASK = {
  create: (json) =>
    navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(json),
    }),
  get: (json) =>
    navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(json) }),
};
const WRONG = {
  NotAllowedError: "Nothing was done. You can try again whenever you like.",
  InvalidStateError: "This device has a passkey for your account already.",
  SecurityError: "Passkeys work only at this installation's own address.",
};
const AWAY = "That did not work. Reload the page and try again.";

async function fill(form) {
  const answer = await fetch(form.dataset.options, {
    method: "POST",
    headers: { "X-CSRFToken": form.elements.csrf_token.value },
  });
  if (answer.redirected) {
    location.assign(answer.url); // asked to confirm who it is first
    return false;
  }
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  const credential = await ASK[form.dataset.passkey](await answer.json());
  form.elements.credential.value = JSON.stringify(credential);
  return true;
}

async function use(form) {
  const problem = form.querySelector("[data-passkey-problem]");
  problem.textContent = "";
  try {
    if (await fill(form)) form.submit();
  } catch (error) {
    problem.textContent = WRONG[error.name] ?? AWAY;
  }
}

if (globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  for (const form of document.querySelectorAll("[data-passkey]")) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      use(form);
    });
  }
  document.querySelector("[data-passkey-without]")?.remove();
}
