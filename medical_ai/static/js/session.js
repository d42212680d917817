// Say so before an unused session ends, and let it be kept with one press. Another window may have
// kept it meanwhile, so the server is asked before anything is said; asking is no use of the session.
const ADDRESS = "/app/session";
const LEAD_SECONDS = 120; // or half of the limit, where that is shorter
const LONGEST_WAIT_MS = 10 * 60_000; // a laptop that slept must not trust its timer
const PATIENCE_MS = 8_000;
const RETRY_SECONDS = 5;
const page = document.querySelector("[data-idle-limit]");
const lead = Math.min(LEAD_SECONDS, Number(page.dataset.idleLimit) / 2);
const template = document.getElementById("session-note");
let timer;
let asking;
let endsAt = Infinity; // as far as the server said

const note = () => document.getElementById("session-ends");

async function left() {
  const answer = await fetch(ADDRESS, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.status === 401 || answer.redirected) return null;
  if (!answer.ok) throw new Error("the server is away");
  return answer.json();
}

async function look() {
  clearTimeout(timer);
  asking ??= left();
  let found;
  try {
    found = await asking;
  } catch {
    if (Date.now() >= endsAt) leave(); // nobody answers, and the time is over
    else wait(RETRY_SECONDS);
    return;
  } finally {
    asking = undefined;
  }
  if (found === null) {
    leave();
    return;
  }
  const isLast = found.seconds <= found.idle_seconds;
  const seconds = Math.min(found.seconds, found.idle_seconds);
  endsAt = Date.now() + seconds * 1000;
  if (seconds > lead) {
    note()?.remove();
    wait(seconds - lead);
  } else {
    warn(isLast, seconds);
    wait(Math.max(1, seconds + 1));
  }
}

function wait(seconds) {
  clearTimeout(timer);
  timer = setTimeout(look, Math.min(seconds * 1000, LONGEST_WAIT_MS));
}

// A page that is left shows nobody's record; the sign-in page leads back here.
function leave() {
  const here = location.pathname + location.search;
  location.replace(`/login?next=${encodeURIComponent(here)}`);
}

function warn(isLast, seconds) {
  const kind = isLast ? "last" : "idle";
  if (note()?.dataset.kind === kind) return;
  note()?.remove();
  const made = template.content.cloneNode(true);
  const ends = new Date(Date.now() + seconds * 1000);
  const clock = ends.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  for (const part of made.querySelectorAll(isLast ? "[data-if-idle]" : "[data-if-last]")) part.remove();
  made.querySelector("[data-ends]").textContent = clock;
  made.firstElementChild.dataset.kind = kind;
  made.querySelector("button")?.addEventListener("click", stay);
  document.getElementById("session-place").append(made);
}

async function stay() {
  const token = document.querySelector("meta[name=csrf-token]").content;
  try {
    await fetch(ADDRESS, {
      method: "POST",
      headers: { "X-CSRFToken": token },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    return; // the note stays, and so does its button
  }
  const hadFocus = note()?.contains(document.activeElement);
  await look();
  if (hadFocus && !note()) document.getElementById("main").focus({ preventScroll: true });
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});
addEventListener("pageshow", (event) => {
  if (event.persisted) look();
});
look();
