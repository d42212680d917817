// Stream an answer into the page. What arrives is shown as text; once the answer is saved, the
// server's own rendering takes its place. Without this script the form does a plain round trip.
const form = document.getElementById("composer");
const messages = document.getElementById("messages");
const field = form.elements.message;
const announcer = document.getElementById("announcer");
const TELEPHONE = /(?<![\w.,/-])\d(?:[ -]?\d){2,13}(?![\w%/]|[.,]\d)/g;
const TITLES = { emergency: "This may be an emergency", urgent: "Get help soon" };

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function link(href, text, className) {
  const made = element("a", className, text);
  made.href = href;
  return made;
}

function icon(name) {
  return document.getElementById(`icon-${name}`).content.cloneNode(true);
}

function tel(number) {
  return `tel:${number.replace(/\D/g, "")}`;
}

// Advice with its telephone numbers as links.
function linked(advice, into) {
  let done = 0;
  for (const match of advice.matchAll(TELEPHONE)) {
    into.append(advice.slice(done, match.index), link(tel(match[0]), match[0]));
    done = match.index + match[0].length;
  }
  into.append(advice.slice(done));
  return into;
}

// As on the server: up to the sentence that names a number, or the first one without any.
function briefAdvice(advice) {
  const sentences = advice.match(/[^.!?]+(?:[.!?]+\s*|$)/g) ?? [advice];
  const named = sentences.findIndex((one) => one.match(TELEPHONE));
  return sentences.slice(0, Math.max(named, 0) + 1).join("").trim();
}

// What was said in full above is only recalled by a message without a warning sign of its own.
function reminderOfAdvice(triage) {
  const line = element("p", `advice advice-brief advice-${triage.level}`);
  line.setAttribute("role", "note");
  line.append(icon(triage.level === "emergency" ? "phone" : "warning"));
  line.append(linked(briefAdvice(triage.advice), element("span")));
  return line;
}

// The same panel as in the server's template: advice with numbers to call, above everything.
function advicePanel(triage) {
  if (!triage.rules.length && messages.querySelector(".advice")) return reminderOfAdvice(triage);
  const panel = element("div", `advice advice-${triage.level}`);
  panel.setAttribute("role", triage.level === "emergency" ? "alert" : "note");
  const title = element("p", "advice-title");
  title.append(icon(triage.level === "emergency" ? "phone" : "warning"));
  title.append(triage.crisis ? "You are not alone" : TITLES[triage.level]);
  panel.append(title, linked(triage.advice, element("p", "advice-text")));
  const first = triage.advice.match(TELEPHONE)?.[0];
  if (first) {
    const call = link(tel(first), "", "btn btn-call");
    call.append(icon("phone"), `Call ${first}`);
    panel.append(call);
  }
  return panel;
}

function addQuestion(question) {
  messages.querySelector(".intro")?.remove();
  const article = element("article", "message message-user");
  article.setAttribute("aria-label", "You");
  article.append(element("p", "typed", question));
  messages.append(article);
}

function addAnswer() {
  const article = element("article", "message message-assistant message-waiting");
  article.setAttribute("aria-label", "Assistant");
  article.setAttribute("aria-busy", "true");
  article.append(element("div", "prose typed"));
  messages.append(article);
  show(article);
  return article;
}

// Advice must be seen from its first word; a short answer only has to be in sight.
function show(article) {
  const isLong = article.offsetHeight > innerHeight / 2;
  const block = isLong || article.querySelector(".advice") ? "start" : "nearest";
  article.scrollIntoView({ block });
}

// The keyboard of a phone covers the answer: it goes away there, and comes back at a touch.
function readyForMore(article) {
  const isUrgent = article.querySelector(".advice:not(.advice-brief)");
  if (!matchMedia("(pointer: fine)").matches) field.blur();
  else if (!isUrgent) field.focus({ preventScroll: true });
}

// Server-sent events over fetch: EventSource cannot post.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const name = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (name && data) yield { name, data: JSON.parse(data) };
    }
  }
}

// Advice that stands in the panel is not said twice.
function bodyText(shown) {
  return shown.advice && shown.text.startsWith(shown.advice)
    ? shown.text.slice(shown.advice.length).trimStart()
    : shown.advice?.startsWith(shown.text)
      ? ""
      : shown.text;
}

function take(event, article, shown) {
  const prose = article.querySelector(".prose");
  if (event.name === "triage" && event.data.level in TITLES) {
    shown.advice = event.data.advice;
    article.prepend(advicePanel(event.data));
    show(article);
  } else if (event.name === "delta") {
    shown.text += event.data.text;
    article.classList.remove("message-waiting");
    prose.textContent = bodyText(shown);
  } else if (event.name === "done") {
    shown.answer = event.data;
  } else if (event.name === "error") {
    throw new Error(event.data.detail);
  }
}

async function finish(answer, article) {
  const address = `${form.dataset.page}/${answer.session_id}`;
  form.elements.session_id.value = answer.session_id;
  if (location.pathname !== address) history.pushState(null, "", address);
  const page = await fetch(address, { headers: { Accept: "text/html" } });
  if (!page.ok) return;
  const fresh = new DOMParser().parseFromString(await page.text(), "text/html");
  const rendered = fresh.getElementById(`message-${answer.message_id}`);
  if (rendered) settle(article, document.adoptNode(rendered));
  for (const id of ["chat-top", "conversations"]) {
    const part = fresh.getElementById(id);
    if (part) document.getElementById(id).replaceWith(document.adoptNode(part));
  }
  const said = [...article.querySelectorAll(".prose, .told")];
  announcer.textContent = said.map((one) => one.textContent.trim()).join(" ");
}

// The panel stays the one that was read out: an alert that is put in again is read out again.
function settle(article, rendered) {
  const panel = article.querySelector(".advice");
  if (panel) rendered.querySelector(".advice")?.remove();
  for (const child of [...article.children]) if (child !== panel) child.remove();
  article.id = rendered.id;
  article.className = rendered.className;
  article.append(...rendered.childNodes);
  show(article);
}

// Something that another page mends: `label` says what, `href` leads there.
class Elsewhere extends Error {
  constructor(reason, label, href) {
    super(`${reason} Your question was not sent: copy it from the box if you want to keep it.`);
    this.way = link(href, label);
  }
}

function reasonOf(error) {
  if (error instanceof Elsewhere) return error.message;
  // A request that never got through fails as a TypeError, in words of the browser's own.
  const isAway = error instanceof TypeError;
  const reason = isAway ? "There is no connection." : error.message;
  const unwell = isAway ? " If you feel unwell, call your emergency number." : "";
  return `${reason}${unwell} Your question is still in the box.`;
}

function showFailure(article, error, question) {
  article.classList.remove("message-waiting");
  const note = element("p", "note note-danger");
  const text = element("span", "", reasonOf(error));
  if (error.way) text.append(" ", error.way);
  note.append(text);
  note.setAttribute("role", "alert");
  article.querySelector(".prose").replaceChildren(note);
  if (!field.value) field.value = question;
}

async function request(question) {
  const body = new FormData(form);
  body.set("message", question);
  const token = document.querySelector("meta[name=csrf-token]").content;
  const answer = await fetch(form.action, {
    method: "POST",
    body,
    headers: { Accept: "text/event-stream", "X-CSRFToken": token },
  });
  const here = location.pathname;
  if (answer.status === 401 || answer.redirected) {
    const signIn = `${form.dataset.signIn}?next=${encodeURIComponent(here)}`;
    throw new Elsewhere("You are signed out.", "Sign in again", signIn);
  }
  if (answer.status === 400) {
    throw new Elsewhere("This page was open too long.", "Open it again", here);
  }
  if (answer.status === 429) throw new Error("That was very quick. Wait a few seconds.");
  if (!answer.ok) throw new Error("The assistant cannot answer right now.");
  return answer.body;
}

async function ask(question) {
  const button = form.querySelector("[type=submit]");
  const shown = { text: "", advice: "", answer: null };
  addQuestion(question);
  const article = addAnswer();
  button.disabled = true;
  field.value = "";
  try {
    for await (const event of events(await request(question))) take(event, article, shown);
    if (!shown.answer) throw new Error("The connection broke off.");
    await finish(shown.answer, article);
  } catch (error) {
    showFailure(article, error, question);
  } finally {
    article.removeAttribute("aria-busy");
    button.disabled = false;
    readyForMore(article);
  }
}

form.addEventListener("submit", (event) => {
  const question = field.value.trim();
  event.preventDefault();
  if (question && !form.querySelector("[type=submit]").disabled) ask(question);
  else field.focus();
});

document.querySelector("[data-suggestions]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  ask(event.submitter.value);
});

// Enter asks; Shift and Enter begins a new line. A word still being composed is left alone.
field.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});

addEventListener("popstate", () => location.reload());
const last = messages.querySelector(".message:last-child");
if (last) show(last);
