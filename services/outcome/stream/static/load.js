/* Loads the page again, with growing pauses, where one of its scripts or its style did not come: a module that failed once
   is not asked for again by the browser, so that one 502 would leave a page that connects for ever. No module itself. */

const TRIES = "tries";
let whole = true;

addEventListener(
  "error",
  ({ target }) => {
    if (!whole || !(target instanceof Element) || !target.matches("script, link[rel=stylesheet]")) return;
    whole = false;
    const tries = Number(sessionStorage.getItem(TRIES));
    sessionStorage.setItem(TRIES, tries + 1);
    const state = document.getElementById("state");
    if (state) state.textContent = state.dataset.reconnecting;
    setTimeout(() => location.reload(), Math.min(60_000, 1500 * 2 ** Math.min(tries, 20)) * (0.5 + Math.random() / 2));
  },
  { capture: true },
);
addEventListener("load", () => whole && sessionStorage.removeItem(TRIES));
