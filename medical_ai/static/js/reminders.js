// Keep an open page current: what waits, how long until the next dose, the date and the greeting.
const SEEN_MS = 10_000;
const UNSEEN_MS = 60_000; // another tab is in front: the count in this one's title still moves
const PATIENCE_MS = 8_000;
const today = document.getElementById("today");
const announcer = document.getElementById("announcer");
const connection = document.getElementById("connection");
const lost = document.getElementById("connection-lost");
const title = document.title.replace(/^\(\d+\) /, "");
let timer;
let isLooking = false;

function reminders() {
  return [...today.querySelectorAll("[data-reminder]")];
}

async function look() {
  const answer = await fetch(today.dataset.live, {
    headers: { Accept: "text/html" },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (answer.status === 401 || answer.redirected) {
    location.reload(); // signed out elsewhere: the guard leads to the sign-in page and back here
    return false;
  }
  if (answer.status >= 500) throw new Error("the server is away");
  if (answer.status === 200) update(await answer.text());
  sayConnected(true);
  return true;
}

function sayConnected(isConnected) {
  if (isConnected) connection.replaceChildren();
  else if (!connection.firstChild) connection.append(lost.content.cloneNode(true));
}

function update(html) {
  const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("today");
  if (!fresh) return;
  const before = new Set(reminders().map((one) => one.dataset.reminder));
  const focused = today.contains(document.activeElement) ? document.activeElement : null;
  morph(today, fresh);
  if (focused && !focused.isConnected) {
    const same = focused.id && document.getElementById(focused.id);
    (same || document.getElementById("main")).focus({ preventScroll: true });
  }
  const added = reminders().filter((one) => !before.has(one.dataset.reminder));
  const names = added.map((one) => one.textContent);
  if (names.length) announcer.textContent = `Reminder: time to take ${names.join(", ")}.`;
  const count = reminders().length;
  document.title = count ? `(${count}) ${title}` : title;
}

// Change only what differs: the rest keeps its focus and is not read out again.
function morph(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeName !== fresh.nodeName || old.id !== fresh.id) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) old.setAttribute(name, value);
  const kept = [...old.childNodes];
  const wanted = [...fresh.childNodes];
  wanted.forEach((one, index) => (index < kept.length ? morph(kept[index], one) : old.append(one)));
  for (const surplus of kept.slice(wanted.length)) surplus.remove();
}

async function tick() {
  if (isLooking) return;
  isLooking = true;
  clearTimeout(timer);
  let goOn = true;
  try {
    goOn = await look();
  } catch {
    sayConnected(false); // the next round tries again
  } finally {
    isLooking = false;
  }
  if (goOn) timer = setTimeout(tick, document.hidden ? UNSEEN_MS : SEEN_MS);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) tick();
});
addEventListener("pageshow", (event) => {
  if (event.persisted) tick();
});
addEventListener("online", tick);
addEventListener("offline", () => sayConnected(false));
timer = setTimeout(tick, SEEN_MS);
