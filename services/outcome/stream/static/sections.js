/* The sections of the page other than the flow: each takes a report and changes its own part of the document. */

import { counted, fill, numberOr, read, unsaid } from "./format.js";
import { make, put, size, sync, term } from "./parts.js";

const TALLIES = ["handovers", "sessions", "exits"];
const EACH = "{}"; // stands in a figure's code for the follow-up
const LEAST_REACH = 1.25; // the scale of the targets goes at least a quarter past them
const WIDEST = 4; // groups that still fit beside one another on a phone

export class Sections {
  constructor(document, lang, texts, format, places) {
    Object.assign(this, { document, lang, texts, format, places });
  }

  part(id) {
    return this.document.getElementById(id);
  }

  show(report) {
    this.lede(report);
    this.targets(report);
    this.steps(report);
    this.rates(report);
    this.groups("gender", report.by_gender, (code) => this.texts[code] ?? code, report);
    this.groups("municipality", report.by_municipality, (code) => report.labels.municipalities[code] ?? code, report);
    this.tallies(report);
  }

  named(name) {
    return name?.[this.lang] ?? name?.sv ?? "";
  }

  number(cell, element = make("span")) {
    put(element, this.format.count(cell), this.format.why(cell));
    return element;
  }

  /** The sentence with its counts; nothing where one of them is not shown. */
  sentence(words, cells) {
    if (Object.values(cells).some(unsaid)) return "";
    return fill(words, Object.fromEntries(Object.entries(cells).map(([name, cell]) => [name, this.format.count(cell)])));
  }

  /** "after 28 days": what a follow-up is called inside a sentence. */
  followUp(code, report) {
    return this.named(report.labels.follow_ups[code]) || code;
  }

  /** The opening sentences, one per figure; one whose figure is masked is left unsaid. */
  lede(report) {
    const { figures } = report;
    const cells = { started: figures.started, active: figures.active, employed: figures.employed_at_exit.employed };
    const said = Object.entries(cells)
      .filter(([, cell]) => !unsaid(cell))
      .map(([figure, cell]) => ({ figure, cell }));
    sync(this.part("lede"), said, (one) => one.figure, ({ figure }) => {
      const number = make("b", { "data-figure": figure });
      const [before, after] = [make("span"), make("span")];
      const element = make("span", {}, before, number, after);
      return {
        element,
        update: ({ cell }) => {
          this.number(cell, number);
          const words = counted(this.texts.lede, figure, cell).split("{n}");
          before.textContent = words[0];
          after.textContent = `${words[1]} `;
        },
      };
    });
    this.part("lede-none").hidden = said.length > 0;
    this.part("as-of").textContent = fill(this.texts.as_of, { moment: this.format.day(report.as_of) });
    this.part("moment").textContent = fill(this.texts.moment, { moment: this.format.moment(report.as_of) });
    const sentences = said.map(({ figure, cell }) => fill(counted(this.texts.lede, figure, cell), { n: this.format.count(cell) }));
    this.spoken = [this.texts.announcement, ...sentences].join(" ");
  }

  targets(report) {
    const outputs = Object.fromEntries(report.outputs.map((one) => [one.output, one]));
    const aimed = new Set(report.targets.map((one) => one.figure));
    const rows = [
      ...report.targets.map((one) => ({ ...one, parts: one.municipality ? null : outputs[one.figure]?.by_municipality })),
      ...report.outputs
        .filter((one) => !aimed.has(one.output))
        .map((one) => ({ figure: one.output, municipality: null, reached: one.reached, target: null, parts: one.by_municipality })),
    ];
    // One scale for all, so that every target stands at the same place and what is past it can be compared.
    this.reach = Math.max(LEAST_REACH, ...rows.map((one) => (one.target ? numberOr(one.reached, 0) / one.target : 0)));
    sync(this.part("targets"), rows, (one) => `${one.figure}|${one.municipality}`, (one) => {
      const place = report.labels.municipalities[one.municipality];
      const { name, means } = this.targetNaming(one.figure, outputs, report);
      const label = make("span", { class: "label" }, means ? term(name, means, this.texts) : name);
      if (place) label.append(make("span", { class: "place" }, place));
      const reached = make("b");
      const target = make("span", { class: "target" });
      const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("i"), make("u"));
      const parts = make("small");
      const element = make("li", {}, label, make("span", { class: "score" }, reached, " ", target), bar, parts);
      return { element, update: (now) => this.target(now, { reached, target, bar, parts, element }, report) };
    });
  }

  target(one, { reached, target, bar, parts, element }, report) {
    this.number(one.reached, reached);
    const soFar = numberOr(one.reached, null);
    const known = one.target !== null && soFar !== null;
    // Whole per cent, rounded down, so that what is not reached never reads as reached.
    const share = known ? Math.floor((soFar * 100) / one.target) / 100 : null;
    const words = one.target === null ? "no_target" : known ? "of_target" : "of_hidden";
    put(target, fill(this.texts[words], { target: this.format.count(one.target), share: this.format.share(share) }));
    bar.hidden = !known;
    size(bar, known ? soFar / one.target / this.reach : 0);
    size(bar, 1 / this.reach, "--target");
    element.classList.toggle("met", known && soFar >= one.target);
    put(
      parts,
      Object.entries(one.parts ?? {})
        .sort(([a], [b]) => this.order(a, b, (code) => report.labels.municipalities[code] ?? code))
        .map(([code, cell]) => `${report.labels.municipalities[code] ?? code} ${this.format.count(cell)}`)
        .join(" · "),
    );
  }

  targetNaming(figure, outputs, report) {
    if (outputs[figure]) return { name: this.named(outputs[figure].name), means: null };
    for (const { code, text } of this.texts.group_figures) {
      if (code === figure) return this.texts.figures[text];
      const after = Object.keys(report.labels.follow_ups).find((one) => code.replace(EACH, one) === figure);
      if (after) return this.followUpNaming(text, after, report);
    }
    return this.texts.figures[figure] ?? { name: figure, means: null };
  }

  followUpNaming(figure, code, report) {
    const { name, means } = this.texts.figures[figure];
    const when = this.followUp(code, report).toLowerCase();
    const title = fill(name, { when });
    return { name: title[0].toUpperCase() + title.slice(1), means: fill(means, { when }) };
  }

  steps(report) {
    this.longest = Math.max(1, ...report.steps.map((one) => numberOr(one.median_days, 0)));
    sync(this.part("steps"), report.steps, (one) => one.step, (one) => {
      const { name, means } = this.texts.steps[one.step] ?? { name: one.step, means: "" };
      const days = make("b");
      const journeys = make("small");
      const bar = make("span", { class: "bar", "aria-hidden": "true" }, make("i"));
      const element = make("li", {}, make("span", { class: "label" }, term(name, means, this.texts)),
        make("span", { class: "score" }, days), bar, journeys);
      return {
        element,
        update: (now) => {
          put(days, this.format.days(now.median_days), this.format.why(now.median_days));
          const words = now.step === "handover" ? "handovers_counted" : "journeys_counted";
          put(journeys, this.sentence(counted(this.texts, words, now.journeys), { n: now.journeys }));
          bar.hidden = numberOr(now.median_days, null) === null;
          size(bar, numberOr(now.median_days, 0) / this.longest);
        },
      };
    });
  }

  rates(report) {
    const exit = report.figures.employed_at_exit;
    const rows = [
      { key: "exit", ...exit, whole: numberOr(exit.known, 0) + numberOr(exit.missing, 0), naming: this.texts.figures.rate_at_exit },
      ...Object.entries(report.figures.follow_ups).map(([code, one]) => ({
        key: code,
        ...one,
        known: one.answered,
        missing: one.missed,
        whole: numberOr(one.due, 0),
        naming: this.followUpNaming("rate_follow_up", code, report),
      })),
    ];
    sync(this.part("rates"), rows, (one) => one.key, (one) => this.rate(one));
  }

  rate({ naming }) {
    const [rate, missing] = [make("b"), make("b")];
    const [of, without] = [make("small"), make("small")];
    const bar = make("span", { class: "answers", "aria-hidden": "true" });
    const segments = ["employed", "other", "missing"].map((kind) => make("i", { class: kind }));
    bar.append(...segments);
    const element = make("li", {},
      make("h3", {}, term(naming.name, naming.means, this.texts)),
      make("p", { class: "share" }, rate, make("span", {}, this.texts.in_work), of),
      make("p", { class: "share lacking" }, missing, make("span", {}, this.texts.missing_answers), without),
      bar);
    const update = (now) => {
      put(rate, this.format.share(now.rate), this.format.why(now.rate));
      put(missing, this.format.share(now.missing_share), this.format.why(now.missing_share));
      put(of, this.sentence(this.texts.rate_counts, { employed: now.employed, known: now.known }));
      put(without, this.sentence(this.texts.missing_counts, { missing: now.missing }));
      const employed = numberOr(now.employed, 0);
      const lengths = [employed, Math.max(0, numberOr(now.known, 0) - employed), numberOr(now.missing, 0)];
      const unclear = [now.employed, now.known, now.missing].some((cell) => read(cell)?.hidden);
      bar.hidden = unclear;
      segments.forEach((segment, index) => size(segment, lengths[index] / Math.max(1, now.whole)));
    };
    return { element, update };
  }

  groups(kind, groups, called, report) {
    const codes = Object.keys(groups).sort((a, b) => this.order(a, b, called));
    const followUps = Object.keys(report.figures.follow_ups);
    const figures = this.texts.group_figures.flatMap(({ code, text }) =>
      code.includes(EACH)
        ? followUps.map((one) => ({ code: code.replace(EACH, one), naming: this.followUpNaming(text, one, report) }))
        : [{ code, naming: this.texts.figures[text] }],
    );
    const across = codes.length <= WIDEST;
    const table = this.part(`by-${kind}`);
    const shape = `${codes}|${figures.map((one) => one.code)}`;
    if (table.dataset.shape !== shape) {
      table.dataset.shape = shape;
      table.cells = new Map();
      const head = make("tr", {}, make("td"));
      const rows = across ? figures : codes;
      for (const column of across ? codes : figures.slice(0, 4)) head.append(make("th", { scope: "col" }, column.naming?.name ?? called(column)));
      const body = rows.map((row) => {
        const heading = row.naming ? term(row.naming.name, row.naming.means, this.texts) : called(row);
        const line = make("tr", {}, make("th", { scope: "row" }, heading));
        for (const column of across ? codes : figures.slice(0, 4)) {
          const number = make("span");
          const bar = make("i", { "aria-hidden": "true" });
          const [figure, code] = across ? [row.code, column] : [column.code, row];
          table.cells.set(`${figure}|${code}`, { number, bar });
          line.append(make("td", {}, number, bar));
        }
        return line;
      });
      table.querySelector("thead").replaceChildren(head);
      table.querySelector("tbody").replaceChildren(...body);
    }
    for (const { code: figure } of across ? figures : figures.slice(0, 4)) {
      const most = Math.max(1, ...codes.map((code) => numberOr(groups[code][figure], 0)));
      for (const code of codes) {
        const { number, bar } = table.cells.get(`${figure}|${code}`);
        this.number(groups[code][figure], number);
        bar.hidden = numberOr(groups[code][figure], null) === null;
        size(bar, numberOr(groups[code][figure], 0) / most);
      }
    }
  }

  order(a, b, called) {
    const fixed = ["woman", "man", "non_binary", "not_known", ...this.places];
    const place = (code) => (fixed.includes(code) ? fixed.indexOf(code) : fixed.length);
    return place(a) - place(b) || called(a).localeCompare(called(b), this.lang);
  }

  hours(cell) {
    const minutes = read(cell);
    return minutes && !minutes.hidden ? Math.round(minutes.value / 60) : cell;
  }

  tallies({ figures }) {
    const { logged, attended, late, missed, corrected, ...time } = figures.sessions;
    const hours = { hours: this.hours(time.minutes), planned_hours: this.hours(time.planned_minutes) };
    const sessions = { logged, attended, late, missed, corrected, ...hours };
    const values = { handovers: figures.handovers, sessions, exits: figures.exits };
    for (const kind of TALLIES) {
      const cells = Object.entries(values[kind]).map(([code, cell]) => ({ code, cell }));
      sync(this.part(kind), cells, (one) => one.code, ({ code }) => {
        const { name, means } = this.texts[kind][code];
        const number = make("dd");
        const element = make("div", {}, make("dt", {}, term(name, means, this.texts)), number);
        return { element, update: (one) => this.number(one.cell, number) };
      });
    }
  }

  /** What has just happened: kinds of events and how long ago, counted from the snapshot's own moment. */
  newest(changes, asOf, elapsedSeconds) {
    const list = this.part("newest");
    const arriving = list.childElementCount > 0 ? "arriving" : "";
    sync(list, changes, (one) => `${one.type}|${one.at}`, (one) => {
      const kind = one.type.split(".").at(-2);
      const [times, age] = [make("span", { class: "times" }), make("time", { datetime: one.at })];
      const element = make("li", { class: arriving }, make("span", {}, this.texts.changes[kind] ?? kind, " ", times), age);
      return {
        element,
        update: (now) => {
          times.textContent = now.times > 1 ? fill(this.texts.times, { n: now.times }) : "";
          const seconds = (new Date(asOf) - new Date(now.at)) / 1000 + elapsedSeconds;
          age.textContent = this.format.ago(Math.max(0, seconds));
        },
      };
    });
    this.part("newest-empty").hidden = changes.length > 0;
  }
}
