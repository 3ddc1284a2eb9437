/* Follows a programme's stream of figures and shows each snapshot. A snapshot is always whole, so that one missed
   is never missing. */

import { fill, formats } from "./format.js";
import { Picture } from "./picture.js";
import { Sections } from "./sections.js";
import { insist, Stream } from "./stream.js";

const QUIET_MILLISECONDS = 30_000;
const AGES_MILLISECONDS = 20_000;
const CALM_MILLISECONDS = 900;

const root = document.documentElement;
const lang = root.lang;
const state = document.getElementById("state");
const age = document.getElementById("age");
const texts = await insist(new URL(`../texts/${lang}.json`, import.meta.url), () => (state.textContent = state.dataset.reconnecting));
const format = formats(lang, texts);
const sections = new Sections(document, lang, texts, format, root.dataset.places.split(" "));
const picture = new Picture(document.getElementById("flow"), document.getElementById("flow-rows"), texts, format);
const announcement = document.getElementById("announcement");

let shown = null;
let next = null;
let shownAt = 0;
let shownOn = 0; // by the clock on the wall, which goes on while a laptop sleeps
let announcedAt = performance.now();

function tell(condition) {
  if (root.dataset.state === condition) return;
  root.dataset.state = condition;
  state.textContent = texts[condition];
  ages();
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
  shownOn = Date.now();
  sections.show(report);
  picture.show(report);
  ages();
  announce();
  root.classList.add("filled");
}

function ages() {
  const old = root.dataset.state !== "live" && stream.heardAt !== null;
  age.textContent = old ? fill(texts.age, { ago: format.ago((Date.now() - stream.heardAt) / 1000) }) : "";
  if (shown) sections.newest(shown.newest, shown.as_of, (Date.now() - shownOn) / 1000);
}

/** Screen readers hear of new figures at most twice a minute, and never while nothing has changed. */
function announce() {
  if (performance.now() - announcedAt < QUIET_MILLISECONDS || announcement.textContent === sections.spoken) return;
  announcedAt = performance.now();
  announcement.textContent = sections.spoken;
}

const stream = new Stream(root.dataset.figures, {
  heard: (event) => event.kind === "snapshot" && take(JSON.parse(event.data)),
  told: tell,
});
tell("connecting");
setInterval(() => {
  ages();
  if (shown) announce();
}, AGES_MILLISECONDS);
window.addEventListener("beforeprint", () => picture.paper(true));
window.addEventListener("afterprint", () => picture.paper(false));
await stream.follow();
