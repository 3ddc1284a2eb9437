/* Draws the flow and moves it gently from one snapshot to the next. */

import { blocks, layout, people } from "./flow.js";
import { make, put, sync, term } from "./parts.js";

const SVG = "http://www.w3.org/2000/svg";
const MILLISECONDS = 700;
const PAPER_WIDTH = 900;
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

function shape(tag, attributes = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** What a block is called and means: `where.x` in its own dictionary, the rest among the figures. */
export function naming(texts, id) {
  return id.startsWith("where.") ? texts.where[id.slice(6)] : texts.figures[id];
}

export class Picture {
  constructor(frame, table, texts, format) {
    Object.assign(this, { frame, table, texts, format });
    this.svg = shape("svg", { role: "img", "aria-label": texts.flow_alt });
    this.ribbons = shape("g", { class: "ribbons" });
    this.blocks = shape("g", { class: "blocks" });
    this.words = shape("g", { class: "words" });
    this.svg.append(this.ribbons, this.blocks, this.words);
    frame.append(this.svg);
    this.counts = null;
    this.list = [];
    this.width = null;
    new ResizeObserver(() => this.list.length && this.draw()).observe(frame);
  }

  /** Draw for paper, where the style sheet makes it as wide as the sheet; or for the screen again. */
  paper(printing) {
    this.width = printing ? PAPER_WIDTH : null;
    if (this.list.length) this.draw();
  }

  /** Show a report: the table at once, the picture by moving there. */
  show(report) {
    this.list = blocks(report);
    const goal = people(this.list);
    this.rows();
    cancelAnimationFrame(this.moving);
    if (this.counts === null || still.matches || document.hidden) {
      this.counts = goal;
      this.draw();
      return;
    }
    const from = this.counts;
    const begun = performance.now();
    const step = (moment) => {
      const part = Math.min(1, (moment - begun) / MILLISECONDS);
      const eased = 1 - (1 - part) ** 3;
      this.counts = Object.fromEntries(
        Object.entries(goal).map(([id, count]) => [id, (from[id] ?? 0) + (count - (from[id] ?? 0)) * eased]),
      );
      this.draw();
      if (part < 1) this.moving = requestAnimationFrame(step);
    };
    this.moving = requestAnimationFrame(step);
  }

  draw() {
    const width = this.width ?? this.frame.clientWidth;
    if (!width) return;
    const drawing = layout(this.list, this.counts, width);
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", Math.ceil(drawing.height));
    this.svg.setAttribute("viewBox", `0 0 ${width} ${Math.ceil(drawing.height)}`);
    sync(this.ribbons, drawing.ribbons, (ribbon) => ribbon.id, () => {
      const element = shape("path");
      return {
        element,
        update: (ribbon) => {
          element.setAttribute("d", ribbon.path);
          element.setAttribute("class", `ribbon ${ribbon.kind}`);
        },
      };
    });
    const filled = this.list.filter((block) => this.counts[block.id] > 0);
    const rectangles = filled.map((block) => ({ ...block, ...drawing.placed[block.id] }));
    sync(this.blocks, rectangles, (block) => block.id, () => {
      const element = shape("rect", { rx: 1.5 });
      return {
        element,
        update: ({ x, y, w, h, kind }) => {
          for (const [name, value] of Object.entries({ x, y, width: w, height: h })) {
            element.setAttribute(name, Math.max(0, value).toFixed(1));
          }
          element.setAttribute("class", `block ${kind}`);
        },
      };
    });
    const words = this.list.map((block) => ({ block, drawing }));
    sync(this.words, words, (one) => one.block.id, () => this.word());
  }

  word() {
    const element = shape("g");
    const number = shape("text", { class: "number" });
    const name = shape("text", { class: "name" });
    element.append(number, name);
    return {
      element,
      update: ({ block, drawing }) => {
        const { x, y, w, h, labelAt } = drawing.placed[block.id];
        const text = this.format.count(block.cell);
        if (number.textContent !== text) number.textContent = text;
        number.setAttribute("class", text === this.texts.masked ? "number masked" : "number");
        name.textContent = naming(this.texts, block.id).name;
        element.setAttribute("class", `word ${block.kind}${block.trunk ? " trunk" : ""}`);
        if (drawing.upright && labelAt === "head") {
          position(number, x, y - 8);
          position(name, x + 12 + number.getComputedTextLength(), y - 8);
        } else if (labelAt === "head") {
          position(name, x, y - 42);
          position(number, x, y - 14);
        } else {
          const middle = y + Math.min(h, 40) / 2;
          position(number, x + w + 10, Math.max(middle, y + 9) + 2);
          position(name, x + w + 10, Math.max(middle, y + 9) + 21);
        }
      },
    };
  }

  rows() {
    sync(this.table, this.list, (block) => block.id, (block) => {
      const { name, means } = naming(this.texts, block.id);
      const number = make("td");
      const element = make("tr", {}, make("th", { scope: "row" }, term(name, means, this.texts)), number);
      return { element, update: (one) => put(number, this.format.count(one.cell), this.format.why(one.cell)) };
    });
  }
}

function position(text, x, y) {
  text.setAttribute("x", x.toFixed(1));
  text.setAttribute("y", y.toFixed(1));
}
