// What comes for a carer by itself: offered, taken from her, given to another first, called off. Live while she looks.
"use strict";

(() => {
  const region = document.getElementById("notices");
  const unheard = document.getElementById("unheard");
  const heard = document.getElementById("heard");
  const visit = document.getElementById("visit");
  const KEY = "anju-read-notices";
  const MOST_READ = 50;
  const SILENT_MS = 30000;
  let known = null;
  let fresh = Date.now();

  const read = () => JSON.parse(localStorage.getItem(KEY) || "[]");

  function draw() {
    const gone = read();
    const items = [...region.querySelectorAll("[data-notice]")];
    for (const one of items) {
      one.hidden = gone.includes(one.dataset.notice);
      one.querySelector("[data-dismiss]")?.removeAttribute("hidden");
    }
    leave(items);
    const shown = items.filter((one) => !one.hidden);
    const arrived = known === null ? [] : shown.filter((one) => !known.has(one.dataset.notice));
    known = new Set(items.map((one) => one.dataset.notice));
    if (!arrived.length) return;
    const text = arrived[0].dataset.say;
    heard.textContent = text;
    navigator.vibrate?.([300, 150, 300]);
    window.anju.chime(false);
    window.anju.say(text);
    region.scrollIntoView({ block: "nearest" });
  }

  // A visit that is hers no longer is not walked through any further.
  function leave(items) {
    if (!visit || visit.hidden) return;
    if (!items.some((one) => one.dataset.over === visit.dataset.visit)) return;
    for (const part of [visit, document.getElementById("help"), document.querySelector(".visit-head")]) if (part) part.hidden = true;
    window.scrollTo(0, 0);
  }

  const tell = () => (unheard.hidden = navigator.onLine && Date.now() - fresh < SILENT_MS);

  region.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dismiss]");
    if (!button) return;
    localStorage.setItem(KEY, JSON.stringify([...read(), button.dataset.dismiss].slice(-MOST_READ)));
    draw();
  });

  draw();
  window.anju.followVisits(async () => {
    try {
      const answer = await fetch(region.dataset.notices, { credentials: "same-origin", redirect: "manual" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      region.replaceChildren(...page.body.childNodes);
      fresh = Date.now();
      draw();
      document.dispatchEvent(new Event("anju:poll"));
    } finally {
      tell();
    }
  });
  for (const name of ["online", "offline"]) window.addEventListener(name, tell);
  setInterval(tell, 1000);
})();
