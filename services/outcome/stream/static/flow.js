/* Where a flow's blocks and ribbons lie. Pure: from counts to coordinates, in pixels.

   The trunk is the way itself: referred, accepted, started, left. At each step some branch off: to wait, to a
   refusal, to take part. A count under five is drawn for `HIDDEN_PEOPLE`, whatever it is, so that the picture
   reveals no more than the number does. */

import { minus, numberOr, read } from "./format.js";

const HIDDEN_PEOPLE = 2;

/** The picture's blocks: which column, which figure, what kind. Trunk blocks come first in their column. */
export function blocks(report) {
  const { figures: f, where_now: now } = report;
  const leaving = f.employed_at_exit;
  const exact = report.form === "exact";
  return [
    { id: "received", column: 0, trunk: true, kind: "past", cell: f.received },
    { id: "accepted", column: 1, trunk: true, kind: "past", cell: f.accepted, from: ["received"] },
    { id: "where.received", column: 1, kind: "now", cell: now.received, from: ["received"] },
    { id: "declined", column: 1, kind: "off", cell: f.declined, from: ["received"] },
    { id: "started", column: 2, trunk: true, kind: "past", cell: f.started, from: ["accepted"] },
    { id: "where.accepted", column: 2, kind: "now", cell: now.accepted, from: ["accepted"] },
    { id: "withdrawn", column: 2, kind: "off", cell: f.withdrawn, from: ["accepted", "received"] },
    { id: "exited", column: 3, trunk: true, kind: "past", cell: f.exited, from: ["started"] },
    { id: "where.ready", column: 3, kind: "now", cell: now.ready, from: ["started"] },
    { id: "where.started", column: 3, kind: "now", cell: now.started, from: ["started"] },
    { id: "where.employed", column: 4, kind: "work", cell: leaving.employed, from: ["exited"] },
    { id: "where.other", column: 4, kind: "after", cell: minus(leaving.known, leaving.employed, exact), from: ["exited"] },
    { id: "where.unknown", column: 4, kind: "off", cell: leaving.missing, from: ["exited"] },
  ];
}

/** How many people each block is drawn for: {block id: people}.

    A masked block is drawn from what stands visible around it: the trunk as wide as what leaves it or what is left of
    the trunk before it, a branch as what is left of its trunk. That is what any reader can work out, and no more. */
export function people(list) {
  const masked = (block) => read(block.cell)?.hidden && !read(block.cell).few;
  const counts = {};
  for (const block of list) counts[block.id] = read(block.cell)?.few ? HIDDEN_PEOPLE : numberOr(block.cell, 0);
  const leaving = (id) => list.filter((block) => block.from?.at(-1) === id);
  const total = (blocks) => blocks.reduce((sum, block) => sum + counts[block.id], 0);
  for (const trunk of list.filter((block) => block.trunk && masked(block)).reverse()) {
    counts[trunk.id] = Math.max(HIDDEN_PEOPLE, total(leaving(trunk.id)));
  }
  for (const trunk of list.filter((block) => block.trunk && block.from && masked(block))) {
    const beside = leaving(trunk.from[0]).filter((block) => block !== trunk);
    if (!beside.some(masked)) counts[trunk.id] = Math.max(counts[trunk.id], counts[trunk.from[0]] - total(beside));
  }
  for (const trunk of list.filter((block) => block.trunk)) {
    const branches = leaving(trunk.id).filter((block) => !block.trunk && masked(block));
    const rest = counts[trunk.id] - total(leaving(trunk.id));
    for (const branch of branches) counts[branch.id] = Math.max(HIDDEN_PEOPLE, rest / branches.length);
  }
  return counts;
}

/** How many of a block's people come from each block before it. */
function shares(block, counts) {
  if (block.from?.length !== 2) return (block.from ?? []).map((from) => [from, counts[block.id]]);
  const late = Math.max(0, counts.accepted - counts.started - counts["where.accepted"]);
  const fromAccepted = Math.min(counts.withdrawn, late);
  return [["accepted", fromAccepted], ["received", counts.withdrawn - fromAccepted]];
}

const HORIZONTAL = { thick: 12, gap: 46, head: 68, label: 38, most: 260 };
const VERTICAL = { thick: 12, gap: 52, step: 44, most: 150, foot: 30 };

/** Coordinates for every block and ribbon. `counts`: {block id: people}, possibly between two snapshots. */
export function layout(list, counts, width) {
  return width >= 720 ? horizontal(list, counts, width) : vertical(list, counts, width);
}

function horizontal(list, counts, width) {
  const { thick, gap, head, label, most } = HORIZONTAL;
  const unit = most / Math.max(1, counts.received);
  const last = width - 176;
  const placed = {};
  const lowest = [];
  let height = 0;
  for (let column = 0; column < 5; column += 1) {
    const x = (last / 4) * column;
    let y = head;
    for (const block of list.filter((one) => one.column === column)) {
      const length = Math.max(counts[block.id] > 0 ? 2.5 : 0, counts[block.id] * unit);
      if (block.from?.length > 1) y = Math.max(y, lowest[column - 1]);
      placed[block.id] = { x, y, w: thick, h: length, out: 0, side: 0, in: 0, labelAt: block.trunk ? "head" : "side" };
      y += block.trunk ? length + gap : Math.max(length, label) + 16;
    }
    height = Math.max(height, y);
    lowest[column] = y;
  }
  return { placed, ribbons: ribbons(list, counts, placed, unit, false), width, height: Math.max(height, head + most), upright: false };
}

function vertical(list, counts, width) {
  const { thick, gap, step, most, foot } = VERTICAL;
  const trunkWidth = Math.min(most, width * 0.33);
  const unit = trunkWidth / Math.max(1, counts.received);
  const side = trunkWidth + 26;
  const placed = {};
  let y = foot;
  for (let column = 0; column < 5; column += 1) {
    const here = list.filter((one) => one.column === column);
    const trunk = here.find((one) => one.trunk);
    const branches = here.filter((one) => !one.trunk);
    let down = y;
    for (const block of branches) {
      const length = Math.max(counts[block.id] > 0 ? 2.5 : 0, counts[block.id] * unit);
      placed[block.id] = { x: side, y: down, w: thick, h: Math.max(length, 2.5), out: 0, side: 0, in: 0, labelAt: "side" };
      down += Math.max(length, step) + 12;
    }
    if (trunk) {
      const at = column === 0 ? y : down + 34;
      const length = Math.max(2.5, counts[trunk.id] * unit);
      placed[trunk.id] = { x: 0, y: at, w: length, h: thick, out: 0, side: 0, in: 0, labelAt: "head" };
      y = at + thick + gap - 16;
    } else {
      y = down;
    }
  }
  return { placed, ribbons: ribbons(list, counts, placed, unit, true), width, height: y + 6, upright: true };
}

/** The outline of each ribbon, filled from the block it leaves to the block it reaches. */
function ribbons(list, counts, placed, unit, upright) {
  const drawn = [];
  const columns = Object.fromEntries(list.map((block) => [block.id, block.column]));
  for (const block of list) {
    for (const [from, count] of shares(block, counts)) {
      const [a, b] = [placed[from], placed[block.id]];
      if (count <= 0) continue;
      const thickness = Math.max(1.5, count * unit);
      const under = block.column - columns[from] > 1 ? placed.accepted.x : null;
      const path = upright ? downward(a, b, thickness, block.trunk) : rightward(a, b, thickness, under);
      if (upright && !block.trunk) a.side += thickness;
      else a.out += thickness;
      b.in += thickness;
      drawn.push({ id: `${from}>${block.id}`, kind: block.kind, to: block.id, path });
    }
  }
  return drawn;
}

/** To the right; `flat`: where a ribbon that passes beneath a column has come down, and runs level from there. */
function rightward(a, b, thickness, flat) {
  const [x0, x1] = [a.x + a.w, b.x];
  const [y0, y1] = [a.y + a.out, b.y + b.in];
  const p = (x, y) => `${x.toFixed(1)},${y.toFixed(1)}`;
  if (flat === null) return band(x0, y0, x1, y1, thickness, p);
  const middle = (x0 + flat) / 2;
  return (
    `M${p(x0, y0)}C${p(middle, y0)} ${p(middle, y1)} ${p(flat, y1)}L${p(x1, y1)}L${p(x1, y1 + thickness)}` +
    `L${p(flat, y1 + thickness)}C${p(middle, y1 + thickness)} ${p(middle, y0 + thickness)} ${p(x0, y0 + thickness)}Z`
  );
}

/** Down along the trunk, or off to the side: the first to leave does so outermost, so that none crosses another. */
function downward(a, b, thickness, trunk) {
  if (trunk) {
    return band(a.y + a.h, a.x + a.out, b.y, b.x + b.in, thickness, (along, across) => `${across.toFixed(1)},${along.toFixed(1)}`);
  }
  const x0 = a.x + Math.max(a.out, a.w - a.side - thickness);
  const [y0, y1, x1] = [a.y + a.h, b.y + b.in, b.x];
  const outer = x0 + thickness;
  const p = (x, y) => `${x.toFixed(1)},${y.toFixed(1)}`;
  return (
    `M${p(outer, y0)}C${p(outer, (y0 + y1) / 2)} ${p(outer, y1)} ${p(x1, y1)}` +
    `L${p(x1, y1 + thickness)}C${p(x0, y1 + thickness)} ${p(x0, (y0 + y1) / 2)} ${p(x0, y0)}Z`
  );
}

function band(along0, across0, along1, across1, thickness, p) {
  const middle = (along0 + along1) / 2;
  return (
    `M${p(along0, across0)}C${p(middle, across0)} ${p(middle, across1)} ${p(along1, across1)}` +
    `L${p(along1, across1 + thickness)}C${p(middle, across1 + thickness)} ${p(middle, across0 + thickness)} ` +
    `${p(along0, across0 + thickness)}Z`
  );
}
