// What every page needs: clocks that run from the event's time, rings that empty, undo buttons that expire, notices.
"use strict";

window.anju = (() => {
  const words = JSON.parse(document.getElementById("words").textContent);
  const shown = () => Number(document.body.dataset.now);
  // The server's clock, not this machine's: two screens never disagree, whatever their own clocks say.
  let offset = shown() - Date.now();
  const now = () => Date.now() + offset;

  const fill = (pattern, values) => pattern.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

  function span(milliseconds) {
    const whole = Math.max(0, Math.floor(milliseconds / 1000));
    const d = Math.floor(whole / 86400), h = Math.floor((whole % 86400) / 3600), m = Math.floor((whole % 3600) / 60);
    if (whole < 60) return fill(words.seconds, { s: whole });
    if (whole < 3600) return fill(words.minutes, { m });
    if (!d) return m ? fill(words.hoursMinutes, { h, m }) : fill(words.hours, { h });
    return h ? fill(words.daysHours, { d, h }) : fill(words.days, { d });
  }

  function tellAgo(element) {
    const apart = now() - Number(element.dataset.ago);
    const told = fill(apart >= 0 ? words.ago : words.ahead, { span: span(Math.abs(apart)) });
    const rest = element.textContent.split(" · ").slice(1).join(" · ");
    const text = rest ? `${told} · ${rest}` : told;
    if (element.textContent !== text) element.textContent = text;
  }

  function drawRing(ring) {
    const from = Number(ring.dataset.from), due = Number(ring.dataset.due), left = due - now();
    const share = due > from ? Math.min(100, Math.max(0, (left / (due - from)) * 100)) : 0;
    ring.classList.toggle("over", left <= 0);
    ring.querySelector(".left").setAttribute("stroke-dasharray", `${left <= 0 ? 100 : share} 100`);
    const s = Math.ceil(left / 1000);
    const text = left <= 0 ? "!" : s < 100 ? String(s) : s < 6000 ? `${Math.ceil(s / 60)}′` : `${Math.round(s / 3600)}h`;
    ring.querySelector("text").textContent = text;
    ring.setAttribute("aria-label", left <= 0 ? words.over : span(left));
  }

  function countUndo(button) {
    const left = Math.ceil((Number(button.dataset.until) - now()) / 1000);
    if (left <= 0) button.remove();
    else button.textContent = fill(words[button.dataset.words], { s: left });
  }

  function tick() {
    document.querySelectorAll("[data-ago]").forEach(tellAgo);
    document.querySelectorAll(".ring[data-due]").forEach(drawRing);
    document.querySelectorAll("button[data-until]").forEach(countUndo);
  }

  // What went well goes with the next touch or key; what went wrong stays until it is read.
  function toast(text, wrong = true) {
    const one = document.createElement("div");
    one.className = wrong ? "toast toast-wrong" : "toast";
    one.append(text);
    document.getElementById("toasts").replaceChildren(one);
    if (!wrong) {
      for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, () => one.remove(), { once: true });
      return;
    }
    const close = document.createElement("button");
    close.className = "button";
    close.textContent = words.close;
    close.addEventListener("click", () => one.remove());
    one.append(close);
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
    const dial = event.target.closest("[data-dials]");
    if (dial) {
      const after = document.getElementById(dial.dataset.dials);
      if (after) after.open = true;
    }
  });

  // Heard at the request itself: a part that is redrawn meanwhile takes the form away, and htmx's own events with it.
  document.addEventListener("htmx:beforeSend", ({ detail: { xhr, requestConfig } }) => {
    xhr.addEventListener("loadend", () => {
      const header = (name) => decodeURIComponent(xhr.getResponseHeader(name) || "");
      if (!xhr.status && requestConfig.verb !== "get") toast(words.unreachable);
      else if (xhr.status >= 400 && xhr.status !== 401) toast(fill(words.failed, { why: header("X-Why") || xhr.status }));
      else if (header("X-Done")) toast(header("X-Done"), false);
    });
  });
  // A form without htmx would be lost behind the browser's own page.
  document.addEventListener("submit", (event) => {
    if (navigator.onLine || event.defaultPrevented) return;
    event.preventDefault();
    toast(words.unreachable);
  });
  // Every answer of the board carries the server's time.
  document.addEventListener("htmx:afterSettle", (event) => {
    const told = event.target.querySelector?.("[data-now]");
    if (told) offset = Number(told.dataset.now) - Date.now();
    tick();
  });

  // Pages without htmx that follow the world redraw one part of themselves.
  const polled = document.querySelector("[data-poll]");
  if (polled) {
    const isHers = () =>
      (polled.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) ||
      polled.querySelector("details[open]") !== null;
    const poll = async () => {
      if (isHers()) return;
      try {
        const answer = await fetch(polled.dataset.poll, { credentials: "same-origin" });
        if (!answer.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("[data-poll]");
        // She may have opened or begun something since it was asked for.
        if (fresh && !isHers() && fresh.innerHTML !== polled.innerHTML) {
          polled.className = fresh.className;
          polled.replaceChildren(...fresh.childNodes);
          document.body.dataset.now = page.body.dataset.now;
          offset = shown() - Date.now();
          document.dispatchEvent(new CustomEvent("anju:redrawn"));
          tick();
        }
      } catch {
        // Without a signal the page stays as it is; its times go on telling how old it is.
      }
    };
    setInterval(poll, 5000);
    document.addEventListener("anju:poll", poll);
  }

  // A page that follows events by itself says since when it does not.
  function tellStale(at, connected = true) {
    const stale = document.getElementById("stale");
    stale.hidden = Date.now() - at < 45000 && connected;
    if (stale.hidden) return;
    const { lang, dataset } = document.documentElement;
    const when = new Date(now() - (Date.now() - at));
    stale.textContent = fill(words.stale, { when: when.toLocaleTimeString(lang, { hour12: false, timeZone: dataset.zone }) });
  }

  function setClock(told) {
    document.body.dataset.now = told;
    offset = shown() - Date.now();
    tick();
  }

  tick();
  setInterval(tick, 1000);
  return { words, fill, now, span, toast, tellStale, setClock };
})();
