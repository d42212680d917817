// Mark a dose. Without a connection the page stays and says so, where a plain form would end in the
// browser's own error page. Without this script the form is sent as it is.
const PATIENCE_MS = 10_000;
const GATEWAYS = [502, 503, 504];
const WARNING =
  "No connection: this may not be marked. When the connection is back, look here again and press once more if needed.";
const busy = new WeakSet();

function warn(form) {
  const place = form.closest(".answers, .form-actions") ?? form.parentElement;
  place.querySelector(".answer-warning")?.remove();
  const note = document.createElement("p");
  note.className = "note note-danger answer-warning";
  note.setAttribute("role", "alert");
  note.textContent = WARNING;
  place.append(note);
}

async function send(form) {
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
    headers: { Accept: "text/html" },
    redirect: "manual", // the page it leads to is opened below, so that it shows what was done
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (answer.type === "opaqueredirect") location.assign(form.elements.back.value);
  else if (GATEWAYS.includes(answer.status)) warn(form);
  else form.submit(); // refused: the server's own page says why and what to do
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-answer]")) return;
  event.preventDefault();
  if (busy.has(form)) return;
  busy.add(form);
  try {
    await send(form);
  } catch {
    warn(form);
  } finally {
    busy.delete(form);
  }
});
