// What every page needs: clocks that run from the event's time, rings that empty, undo buttons that expire, sound, notices.
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

  function toast(text) {
    const box = document.getElementById("toasts");
    const one = document.createElement("div");
    one.className = "toast";
    one.textContent = text;
    box.replaceChildren(one);
    setTimeout(() => one.remove(), 8000);
  }

  // --- sound: two falling tones, made here; nothing to download ----------------------------------------------------------
  let audio = null;
  const soundReady = () => audio !== null && audio.state === "running";

  function allowSound() {
    const Context = window.AudioContext || window.webkitAudioContext;
    if (!Context) return Promise.resolve(false);
    audio = audio || new Context();
    return audio.resume().then(soundReady, () => false).then((ready) => {
      showSound();
      return ready;
    });
  }

  function showSound() {
    const banner = document.getElementById("sound");
    if (banner) banner.hidden = soundReady();
  }

  function chime(urgency) {
    if (!soundReady()) return;
    const tones = urgency > 1 ? [988, 784, 988, 784] : [784, 622];
    tones.forEach((hertz, number) => {
      const start = audio.currentTime + number * 0.28;
      const tone = audio.createOscillator(), volume = audio.createGain();
      tone.type = "triangle";
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0.0001, start);
      volume.gain.exponentialRampToValueAtTime(Math.min(0.5, 0.15 + 0.12 * urgency), start + 0.03);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.26);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.3);
    });
  }

  function say(text) {
    if (!soundReady() || !("speechSynthesis" in window) || !text) return;
    const speech = new SpeechSynthesisUtterance(text);
    speech.lang = document.documentElement.lang;
    window.speechSynthesis.speak(speech);
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-allow-sound]")) allowSound().then((ready) => ready && chime(1));
    else if (audio === null && document.getElementById("sound")) allowSound();
    if (event.target.closest("[data-print]")) window.print();
    const dial = event.target.closest("[data-dials]");
    if (dial) {
      const after = document.getElementById(dial.dataset.dials);
      if (after) after.open = true;
    }
  });

  document.addEventListener("htmx:responseError", (event) => {
    const why = event.detail.xhr.getResponseHeader("X-Why");
    toast(fill(words.failed, { why: why ? decodeURIComponent(why) : event.detail.xhr.status }));
    if (event.detail.xhr.status === 401) location.assign("/login");
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => event.detail.requestConfig?.verb !== "get" && toast(words.unreachable));
  }
  // Every answer of the board carries the server's time.
  document.addEventListener("htmx:afterSettle", (event) => {
    const told = event.target.querySelector?.("[data-now]");
    if (told) offset = Number(told.dataset.now) - Date.now();
    tick();
  });

  // Pages without htmx that follow the world redraw one part of themselves.
  const polled = document.querySelector("[data-poll]");
  if (polled) {
    setInterval(async () => {
      if (polled.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return;
      if (polled.querySelector("details[open]")) return;
      try {
        const answer = await fetch(polled.dataset.poll, { credentials: "same-origin" });
        if (!answer.ok) return;
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = page.querySelector("[data-poll]");
        if (fresh && fresh.innerHTML !== polled.innerHTML) {
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
    }, 5000);
  }

  tick();
  setInterval(tick, 1000);
  if (document.getElementById("sound")) allowSound().catch(() => showSound());
  showSound();
  return { words, fill, now, span, toast, chime, say, soundReady };
})();
