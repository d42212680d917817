// Keep an open page current: ask for reminders every ten seconds while somebody can see it.
const EVERY_MS = 10_000;
const announcer = document.getElementById("announcer");
let timer;

function parse(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

function keyOf(root) {
  return root.querySelector("#reminders")?.dataset.key ?? "";
}

async function look() {
  const today = document.getElementById("today");
  const answer = await fetch(today.dataset.notices, { headers: { Accept: "text/html" } });
  if (answer.status === 401) {
    location.reload(); // signed out elsewhere: the guard leads to the sign-in page and back here
    return false;
  }
  if (!answer.ok) return true;
  const fragment = parse(await answer.text());
  if (keyOf(fragment) !== keyOf(document)) await refresh(today, fragment);
  return true;
}

async function refresh(today, fragment) {
  const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
  const fresh = answer.ok && parse(await answer.text()).getElementById("today");
  if (!fresh) return;
  const before = new Set(keyOf(document).split(" "));
  const added = keyOf(fragment).split(" ").filter((id) => id && !before.has(id));
  const focused = document.activeElement?.id;
  today.replaceWith(document.adoptNode(fresh));
  if (focused) document.getElementById(focused)?.focus();
  if (added.length) {
    const names = [...fragment.querySelectorAll("[data-reminder]")].map((one) => one.textContent);
    announcer.textContent = `Reminder: time to take ${names.join(", ")}.`;
  }
}

async function tick() {
  let goOn = true;
  try {
    goOn = document.hidden || (await look());
  } catch {
    // The network is away; the next round tries again.
  }
  if (goOn) timer = setTimeout(tick, EVERY_MS);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  clearTimeout(timer);
  tick();
});
timer = setTimeout(tick, EVERY_MS);
