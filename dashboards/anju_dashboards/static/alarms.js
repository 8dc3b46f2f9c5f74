// Alerts that nobody has taken, on every page of the staff: the bar, the tab's title, sound and vibration until it is over.
"use strict";

(() => {
  const { words, toast, chime, say, soundReady, followEvents } = window.anju;
  const bar = document.getElementById("alarms");
  const list = document.getElementById("list");
  const title = document.title;
  let items = [];
  let known = null;
  let sounded = 0;
  let fresh = Date.now();

  // Every ten seconds at first, every four when one has waited for more than half a minute.
  function alarm() {
    const oldest = bar.querySelector("[data-ago]");
    if (!oldest) return;
    const urgent = window.anju.now() - Number(oldest.dataset.ago) > 30000;
    if (Date.now() - sounded < (urgent ? 4000 : 10000)) return;
    sounded = Date.now();
    chime(urgent);
    navigator.vibrate?.(urgent ? [400, 150, 400, 150, 400] : [300, 150, 300]);
  }

  function show(html) {
    fresh = Date.now();
    bar.innerHTML = html;
    items = [...bar.querySelectorAll("[data-alert]")];
    bar.hidden = !items.length;
    document.title = items.length ? `(${items.length}) ${items[0].textContent} · ${title}` : title;
    const arrived = known === null ? [] : items.filter((one) => !known.has(one.dataset.alert));
    known = new Set([...(known || []), ...items.map((one) => one.dataset.alert)]);
    if (!arrived.length) return;
    document.getElementById("heard").textContent = arrived[0].textContent;
    sounded = 0;
    alarm();
    say(arrived[0].textContent);
  }

  async function look() {
    try {
      const headers = { "HX-Request": "true", "HX-Current-URL": location.href };
      const answer = await fetch("/board/alarms", { headers });
      const signIn = answer.headers.get("HX-Redirect");
      // What she is writing is not taken from her; that no alert reaches her any more is said.
      if (signIn && document.activeElement.matches("input, textarea, select")) toast(words.ended);
      else if (signIn) location.assign(signIn);
      if (answer.ok) show(await answer.text());
    } catch {
      // The line about stale data says since when.
    }
  }

  // Whether she would hear an alert is shown on the rota.
  const REPORT_MS = 60000;
  let told = null;
  let toldAt = 0;
  function report() {
    const audible = soundReady();
    if (audible === told && Date.now() - toldAt < REPORT_MS) return;
    [told, toldAt] = [audible, Date.now()];
    const headers = { "X-CSRF-Token": document.body.dataset.csrf, "HX-Request": "true" };
    fetch("/shift/presence", { method: "POST", headers, body: new URLSearchParams({ audible }) }).catch(() => {});
  }

  document.addEventListener("anju:sound", report);

  if (list) {
    const read = () => show(list.querySelector("[data-alarms]").innerHTML);
    document.addEventListener("htmx:afterSettle", (event) => event.detail.target === list && read());
    read();
  } else {
    look();
    for (const name of ["open", "alert", "resync"]) document.body.addEventListener(`stream:${name}`, look);
    followEvents("/api/v1/alerts/stream");
    setInterval(look, 10000);
  }
  setInterval(() => {
    alarm();
    report();
    if (!list) window.anju.tellStale(fresh);
  }, 1000);
})();
