/* Follows a programme's stream of figures and shows each snapshot. A snapshot is always whole, so that one missed
   is never missing. */

import { formats } from "./format.js";
import { Picture } from "./picture.js";
import { Sections } from "./sections.js";

const QUIET_MILLISECONDS = 30_000;
const AGES_MILLISECONDS = 20_000;
const CALM_MILLISECONDS = 900;

const root = document.documentElement;
const lang = root.lang;
const texts = await (await fetch(`/texts/${lang}.json`)).json();
const format = formats(lang, texts);
const sections = new Sections(document, lang, texts, format);
const picture = new Picture(document.getElementById("flow"), document.getElementById("flow-rows"), texts, format);
const state = document.getElementById("state");
const announcement = document.getElementById("announcement");

let shown = null;
let next = null;
let shownAt = 0;
let announcedAt = performance.now();

function tell(condition) {
  root.dataset.state = condition;
  state.textContent = texts[condition];
}

/** Show the newest, but not so often that the eye cannot follow: at most about once a second. */
function take(report) {
  const early = shownAt + CALM_MILLISECONDS - performance.now();
  const waiting = next !== null;
  next = report;
  if (shown === null || early <= 0) show();
  else if (!waiting) setTimeout(show, early);
}

function show() {
  if (next === null) return;
  const report = next;
  next = null;
  shown = report;
  shownAt = performance.now();
  sections.show(report);
  picture.show(report);
  ages();
  announce();
  root.classList.add("filled");
}

function ages() {
  if (shown) sections.newest(shown.newest, shown.as_of, (performance.now() - shownAt) / 1000);
}

/** Screen readers hear of new figures at most twice a minute, and never while nothing has changed. */
function announce() {
  if (performance.now() - announcedAt < QUIET_MILLISECONDS || announcement.textContent === sections.spoken) return;
  announcedAt = performance.now();
  announcement.textContent = sections.spoken;
}

function follow(address) {
  const stream = new EventSource(address);
  stream.addEventListener("open", () => tell("live"));
  stream.addEventListener("snapshot", (event) => {
    tell("live");
    take(JSON.parse(event.data));
  });
  stream.addEventListener("error", () => tell(stream.readyState === EventSource.CLOSED ? "expired" : "reconnecting"));
}

tell("connecting");
follow(root.dataset.figures);
setInterval(() => {
  ages();
  if (shown) announce();
}, AGES_MILLISECONDS);
