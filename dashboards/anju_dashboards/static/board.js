// The worker's board: it opens the most urgent alert, keeps a half-filled form, and says when it is out of date.
"use strict";

(() => {
  const list = document.getElementById("list");
  let fresh = Date.now();
  let connected = true;

  // Where nothing is open and she has touched nothing for a while, the most urgent alert opens by itself, once.
  const IDLE_MS = 20000;
  let touched = Date.now();
  for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(name, () => (touched = Date.now()), { passive: true });
  }
  const offered = new Set();
  function openMostUrgent() {
    const row = list.querySelector(".alert-row.is-now");
    if (!row || offered.has(row.id) || document.querySelector("#chosen:not([data-over])")) return;
    if (Date.now() - touched < IDLE_MS || busy()) return;
    offered.add(row.id);
    window.htmx.ajax("GET", row.getAttribute("href"), { source: row, target: "#detail", swap: "innerHTML" });
  }

  function busy() {
    const detail = document.getElementById("detail");
    const field = document.activeElement;
    if (detail.contains(field) && field.matches("input, textarea, select")) return true;
    if ([...detail.querySelectorAll("textarea, input:not([type=hidden]):not([type=radio])")].some((one) => one.value !== one.defaultValue)) return true;
    return detail.querySelector("details[open]") !== null;
  }

  document.addEventListener("htmx:configRequest", (event) => {
    const chosen = document.getElementById("chosen");
    if (event.detail.elt.id === "list") event.detail.parameters.chosen = chosen ? chosen.dataset.alert : "";
    if (event.detail.elt.id !== "detail") return;
    if (!chosen || busy()) event.preventDefault();
    else event.detail.path = `/board/${chosen.dataset.alert}`;
  });

  // A part that is redrawn gives the focus back to what had it: whoever works with the keyboard must not lose her place.
  const face = (element) => ({
    tag: element.tagName,
    id: element.id,
    form: element.closest("form")?.getAttribute("action") || "",
    name: element.getAttribute("name") || "",
    value: element.getAttribute("value") || "",
    href: element.getAttribute("href") || "",
    text: element.closest("form") ? "" : element.textContent.trim(),
  });
  // A button that goes away between finger down and finger up is never clicked: a part waits while it is held,
  // but not for long, should the release never be told: a new alert must not wait for it.
  const HELD_MS = 3000;
  let held = null;
  let bound = 0;
  let owed = false;
  function release() {
    held = null;
    clearTimeout(bound);
    if (!owed) return;
    owed = false;
    lookAgain();
  }
  function lookAgain() {
    for (const name of ["board:refresh", "board:connected"]) document.body.dispatchEvent(new Event(name));
  }
  document.addEventListener("pointerdown", (event) => {
    held = event.target;
    clearTimeout(bound);
    bound = setTimeout(release, HELD_MS);
  });
  // The click comes after the pointer's end, in the same turn.
  for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, () => setTimeout(release));
  window.addEventListener("blur", release);
  // An answer that was on its way when something was done tells of the time before.
  let posts = 0;
  const asking = new WeakMap();
  document.addEventListener("htmx:beforeSend", (event) => {
    if (event.detail.requestConfig.verb === "post") posts += 1;
    asking.set(event.detail.xhr, posts);
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const asked = event.detail.requestConfig;
    const unasked = asked.verb === "get" && (asked.elt.id === "list" || asked.elt.id === "detail");
    if (!unasked) return;
    if (asking.get(event.detail.xhr) !== posts) {
      event.detail.shouldSwap = false;
      setTimeout(lookAgain);
      return;
    }
    const part = event.detail.target;
    owed ||= held !== null && part.contains(held);
    // She may have opened a form since it was asked for.
    if ((held !== null && part.contains(held)) || (part.id === "detail" && busy())) event.detail.shouldSwap = false;
  });
  // Groups of the list that she opened stay open when it is redrawn.
  let opened = new Set();
  const groups = (part) => [...part.querySelectorAll("details[data-group]")];
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "list") return;
    opened = new Set(groups(event.detail.target).filter((one) => one.open).map((one) => one.dataset.group));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    for (const one of groups(event.detail.target)) if (opened.has(one.dataset.group)) one.open = true;
  });
  let focused = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const active = document.activeElement;
    focused = active && event.detail.target.contains(active) ? face(active) : null;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (!focused || document.activeElement !== document.body) return;
    const wanted = JSON.stringify(focused);
    const again = [...event.detail.target.querySelectorAll(focused.tag)].find((one) => JSON.stringify(face(one)) === wanted);
    again?.focus({ preventScroll: true });
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.target;
    if (target.id === "list") {
      fresh = Date.now();
    }
    if (target.id === "detail") chosenChanged(event.detail.requestConfig);
  });

  function chosenChanged(request) {
    const chosen = document.getElementById("chosen");
    document.getElementById("board").classList.toggle("has-chosen", chosen !== null);
    for (const row of list.querySelectorAll(".alert-row")) {
      if (chosen && row.id === `row-${chosen.dataset.alert}`) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    if (request.verb === "post") {
      const act = document.getElementById("act");
      act?.querySelector("[data-main], .button-main")?.focus({ preventScroll: true });
      // The form that was open is gone, and on a phone what came of it would be above what is seen.
      const refused = act?.querySelector("[role=alert]");
      if (refused) refused.scrollIntoView({ block: "center" });
      else if (request.elt.closest("#act")) act?.scrollIntoView({ block: "nearest" });
      document.body.dispatchEvent(new Event("board:refresh"));
    } else if (request.triggeringEvent?.type === "click") {
      document.getElementById("detail").scrollTop = 0;
      window.scrollTo(0, 0);
      if (chosen) document.getElementById("act")?.querySelector("[data-main]")?.focus({ preventScroll: true });
    }
  }

  document.body.addEventListener("stream:open", () => {
    connected = true;
    fresh = Date.now();
    // What happened between the page and its line is in neither.
    lookAgain();
  });
  document.body.addEventListener("stream:error", () => (connected = false));
  window.anju.followEvents("/api/v1/alerts/stream", { whileHidden: true });

  // Up and down walk through the list; Enter is the link's own.
  list.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const rows = [...list.querySelectorAll(".alert-row")];
    const next = rows[rows.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)];
    if (next) {
      next.focus();
      event.preventDefault();
    }
  });

  setInterval(() => {
    openMostUrgent();
    window.anju.tellStale(fresh, connected);
  }, 1000);
})();
