/* Follows a stream of Server-Sent Events until the reader may no longer see it. An EventSource gives up for ever at the
   first answer other than 200, so a proxy's 502 would end the page: here only 401 and 403 do. Everything else is tried
   again, with growing pauses of uneven length, so that many pages do not come back at once. */

const FIRST_MILLISECONDS = 1500;
const MOST_MILLISECONDS = 60_000;
const LONGEST_MILLISECONDS = 3_600_000; // that a Retry-After is taken for
const SILENT_MILLISECONDS = 45_000; // three heartbeats of the server
const DOUBTFUL_MILLISECONDS = 20_000; // one heartbeat
const ENDINGS = { 401: "expired", 403: "forbidden" };

/** How long to wait after so many failures in a row. chance: from 0 to 1. */
export function pause(failures, first, chance) {
  const longest = Math.min(MOST_MILLISECONDS, first * 2 ** Math.min(failures - 1, 20));
  return longest * (0.5 + chance / 2);
}

/** What a Retry-After asks for, in milliseconds: seconds, or a date. 0 where it says nothing. */
export function asked(retryAfter, now) {
  if (!retryAfter) return 0;
  const wait = /^\s*\d+\s*$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - now;
  return Number.isFinite(wait) ? Math.max(0, Math.min(wait, LONGEST_MILLISECONDS)) : 0;
}

/** Takes text as it comes, and gives the whole events in it: [{kind, data, id, retry}]. */
export class Parser {
  #rest = "";
  #event = { data: [] };

  push(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!\n|$)/);
    this.#rest = lines.pop();
    return lines.map((line) => this.#line(line)).filter(Boolean);
  }

  #line(line) {
    if (line === "") {
      const { data, ...event } = this.#event;
      this.#event = { data: [] };
      return data.length || event.retry ? { kind: "message", ...event, data: data.join("\n") } : null;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#event.data.push(value);
    if (field === "event") this.#event.kind = value;
    if (field === "id") this.#event.id = value;
    if (field === "retry" && /^\d+$/.test(value)) this.#event.retry = Number(value);
    return null;
  }
}

/** Waits between tries; ended early, but never before an asked-for time, when the network or the reader comes back. */
class Patience {
  failures = 0;
  first = FIRST_MILLISECONDS;
  notBefore = 0;
  #hasten = () => {};

  constructor() {
    const back = () => document.hidden || this.#hasten();
    window.addEventListener("online", back);
    document.addEventListener("visibilitychange", back);
  }

  failed(retryAfter) {
    this.failures += 1;
    this.notBefore = Date.now() + asked(retryAfter, Date.now());
  }

  async wait() {
    const until = Math.max(this.notBefore, Date.now() + pause(this.failures, this.first, Math.random()));
    await this.#sleep(() => until - Date.now(), () => this.notBefore - Date.now());
  }

  /** The least is waited for in any case, the rest only while nothing hastens. */
  #sleep(left, least) {
    return new Promise((resolve) => {
      const timer = setTimeout(done, Math.max(0, left()));
      this.#hasten = () => least() <= 0 && done();
      const patience = this;
      function done() {
        clearTimeout(timer);
        patience.#hasten = () => {};
        resolve();
      }
    });
  }
}

/** The JSON at the address, however often it must be asked for. lost: called when it could not be had. */
export async function insist(address, lost) {
  const patience = new Patience();
  for (;;) {
    const answer = await fetch(address).catch(() => null);
    const body = answer?.ok ? await answer.json().catch(() => null) : null;
    if (body !== null) return body;
    patience.failed(answer?.headers.get("Retry-After"));
    lost();
    await patience.wait();
  }
}

/** Follow the stream at the address. heard: given each event. told: given "live", "reconnecting", and last one of the
    endings. `heardAt` is when anything last came. */
export class Stream {
  heardAt = null;
  #id = null;
  #patience = new Patience();
  #abort = new AbortController();

  constructor(address, { heard, told }) {
    Object.assign(this, { address, heard, told });
    const doubt = () => !document.hidden && this.heardAt && Date.now() - this.heardAt > DOUBTFUL_MILLISECONDS && this.#abort.abort();
    window.addEventListener("online", doubt);
    document.addEventListener("visibilitychange", doubt);
  }

  async follow() {
    for (;;) {
      const answer = await this.#ask();
      if (ENDINGS[answer?.status]) return this.told(ENDINGS[answer.status]);
      if (answer?.ok && answer.headers.get("Content-Type")?.startsWith("text/event-stream")) await this.#listen(answer.body);
      else answer?.body?.cancel();
      this.#patience.failed(answer?.headers.get("Retry-After"));
      this.told("reconnecting");
      await this.#patience.wait();
    }
  }

  /** The answer, or null where none came: the network is away, or the server silent. */
  async #ask() {
    this.#abort = new AbortController();
    this.#watch();
    const headers = { Accept: "text/event-stream", ...(this.#id && { "Last-Event-ID": this.#id }) };
    const answer = await fetch(this.address, { headers, cache: "no-store", signal: this.#abort.signal }).catch(() => null);
    if (!answer?.ok) clearTimeout(this.watching);
    return answer;
  }

  /** Until the stream ends or falls silent. */
  async #listen(body) {
    const [reader, decoder, parser] = [body.getReader(), new TextDecoder(), new Parser()];
    for (;;) {
      const part = await reader.read().catch(() => ({ done: true }));
      if (part.done) return clearTimeout(this.watching);
      this.#watch();
      this.heardAt = Date.now();
      for (const event of parser.push(decoder.decode(part.value, { stream: true }))) this.#take(event);
      this.told("live");
    }
  }

  #take(event) {
    if (event.id) this.#id = event.id;
    if (event.retry) this.#patience.first = event.retry;
    if (!event.data) return;
    this.#patience.failures = 0;
    setTimeout(() => this.heard(event)); // a fault in what is shown must not look like a lost connection
  }

  #watch() {
    clearTimeout(this.watching);
    this.watching = setTimeout(() => this.#abort.abort(), SILENT_MILLISECONDS);
  }
}
