/* How a cell, exact or published, is read and written in the page's language. Pure: touches no document.

   A cell is a number, null (nothing to count yet), or hidden: `few` when fewer than five people stand behind it,
   not few when it would give such a number away. */

const FEW = 5;

/** The cell as `{value}`, `{hidden: true, few}` or null. */
export function read(cell) {
  if (cell === null || cell === undefined) return null;
  if (typeof cell === "number") return { value: cell };
  return cell.hidden ? cell : null;
}

/** The number in a cell, or `otherwise` where none is published. */
export function numberOr(cell, otherwise) {
  const known = read(cell);
  return known && !known.hidden ? known.value : otherwise;
}

/** Difference of two cells; hidden when either is, or, among published figures, when it would itself be below five. */
export function minus(whole, part, exact = false) {
  const [a, b] = [read(whole), read(part)];
  if (a === null || b === null) return null;
  if (a.hidden || b.hidden) return { hidden: true, few: false };
  const rest = a.value - b.value;
  return rest < FEW && !exact ? { hidden: true, few: true } : rest;
}

/** The sentence with each {name} replaced. */
export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

/** The text by that name, or the one for a single one. */
export function counted(texts, name, cell) {
  return (numberOr(cell, null) === 1 && texts[`${name}_one`]) || texts[name];
}

/** Whether it is hidden without being called few, so that a sentence cannot be said with it. */
export function unsaid(cell) {
  const known = read(cell);
  return Boolean(known?.hidden && !known.few);
}

/** Everything that depends on the language, made once. */
export function formats(lang, texts) {
  const locale = lang === "sv" ? "sv-SE" : "en-GB";
  const zone = { timeZone: "Europe/Stockholm" };
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const half = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const share = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
  const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric", ...zone });
  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", ...zone });
  const ago = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

  const written = (cell, format) => {
    const known = read(cell);
    if (known === null) return texts.nothing;
    if (known.hidden) return known.few ? texts.few : texts.masked;
    return format.format(known.value);
  };

  return {
    count: (cell) => written(cell, whole),
    share: (cell) => written(cell, share),
    days: (cell) => {
      const known = read(cell);
      if (known === null || known.hidden) return written(cell, half);
      return fill(known.value === 1 ? texts.day : texts.days, { n: half.format(known.value) });
    },
    day: (moment) => day.format(new Date(moment)),
    moment: (moment) => `${day.format(new Date(moment))} ${clock.format(new Date(moment))}`,
    ago: (seconds) => {
      const steps = [["year", 31557600], ["month", 2629800], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];
      const step = steps.find(([, length]) => seconds >= length);
      return step ? ago.format(-Math.floor(seconds / step[1]), step[0]) : texts.just_now;
    },
    why: (cell) => {
      const known = read(cell);
      if (known === null) return texts.nothing_title;
      if (known.hidden) return known.few ? texts.few_title : texts.masked_title;
      return "";
    },
  };
}
