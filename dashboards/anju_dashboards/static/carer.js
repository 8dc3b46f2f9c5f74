// The carer's phone: every step is kept on the phone first, sent when it can be, and shows which of the two.
"use strict";

(() => {
  const { words, fill, toast } = window.anju;
  const KEY = "anju-outbox";
  const bar = document.getElementById("outbox");
  const visit = document.getElementById("visit");
  const help = document.getElementById("help");
  let sending = false;

  const load = () => JSON.parse(localStorage.getItem(KEY) || "[]");
  const save = (steps) => localStorage.setItem(KEY, JSON.stringify(steps));

  function newId() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  function keep(form, submitter) {
    const fields = Object.fromEntries(new FormData(form, submitter));
    delete fields.csrf;
    fields.step_id = newId();
    fields.phone_at = new Date(window.anju.now()).toISOString();
    const step = { id: fields.step_id, visit: visit.dataset.visit, step: form.dataset.stepForm, url: form.action, fields, state: "kept" };
    const steps = load().filter((one) => !(one.visit === step.visit && one.step === step.step && one.state !== "kept"));
    const danger = form.dataset.danger !== undefined && form.dataset.danger === fields.done;
    save([...steps, ...(danger ? [helpFor(fields)] : []), step]);
    draw();
    send();
    if (danger) help.scrollIntoView();
  }

  // A dangerous answer calls for help by itself, under the answer's own id: the platform counts the two as one call.
  function helpFor({ task, step_id, phone_at }) {
    return { id: `help-${step_id}`, visit: visit.dataset.visit, step: "help", url: help.dataset.url, fields: { task, step_id, phone_at }, state: "kept" };
  }

  const isKept = (one) => one.state === "kept";
  // Help goes first, whatever else waits.
  const nextKept = () => load().find((one) => isKept(one) && one.step === "help") || load().find(isKept);

  async function send() {
    if (sending) return;
    sending = true;
    try {
      // Looked up anew each time: what was kept while a step was under way is sent too.
      for (let step = nextKept(); step; step = nextKept()) {
        const verdict = await post(step);
        if (verdict === null) break;
        save(load().map((one) => (one.id === step.id ? settled(one, verdict) : one)));
        draw();
        if (verdict.state === "refused") break;
      }
    } finally {
      sending = false;
      draw();
    }
  }

  // A code that was looked at is kept no longer.
  function settled(step, verdict) {
    const { code: _, ...fields } = step.fields;
    return { ...step, ...verdict, fields };
  }

  // Null: it could not be sent now. Otherwise what the platform made of it.
  async function post(step) {
    try {
      const answer = await fetch(step.url, {
        method: "POST",
        credentials: "same-origin",
        headers: { "X-CSRF-Token": document.body.dataset.csrf, Accept: "application/json" },
        body: new URLSearchParams(step.fields),
      });
      if (answer.redirected || answer.status === 401) return null;
      if (answer.ok) return { state: "sent" };
      if (answer.status >= 500 || answer.status === 429) return null;
      const problem = await answer.json().catch(() => ({}));
      return { state: "refused", why: problem.why || problem.detail || String(answer.status) };
    } catch {
      return null;
    }
  }

  const ORDER = ["go", "arrive", "tasks", "leave", "done"];
  const AFTER = { arrive: "tasks", leave: "done" };

  function place() {
    let at = visit.dataset.at;
    for (const step of load().filter((one) => one.visit === visit.dataset.visit)) {
      const then = AFTER[step.step];
      if (step.state !== "refused" && then && ORDER.indexOf(then) > ORDER.indexOf(at)) at = then;
    }
    const walked = sessionStorage.getItem(`anju-at-${visit.dataset.visit}`);
    const last = ORDER.indexOf(at) >= ORDER.indexOf("tasks") ? "leave" : "arrive";
    if (walked && ORDER.indexOf(walked) > ORDER.indexOf(at) && ORDER.indexOf(walked) <= ORDER.indexOf(last)) at = walked;
    return at;
  }

  function show(at) {
    for (const section of visit.querySelectorAll("[data-step]")) section.hidden = section.dataset.step !== at;
    for (const dot of visit.querySelectorAll("[data-dot]")) {
      const done = ORDER.indexOf(dot.dataset.dot) < ORDER.indexOf(at);
      dot.classList.toggle("is-done", done);
      if (dot.dataset.dot === at) dot.setAttribute("aria-current", "step");
      else dot.removeAttribute("aria-current");
    }
    if (at === "arrive") locate();
  }

  function draw() {
    const steps = load();
    const waiting = steps.filter((one) => one.state === "kept").length;
    const refused = steps.filter((one) => one.state === "refused");
    bar.hidden = !steps.length;
    bar.classList.toggle("all-sent", !waiting && !refused.length);
    bar.classList.toggle("is-refused", refused.length > 0);
    if (refused.length) bar.textContent = fill(words.refused, { why: refused[refused.length - 1].why });
    else bar.textContent = waiting ? fill(words.waiting, { n: waiting }) : words.allSent;
    if (!visit) return;
    const mine = steps.filter((one) => one.visit === visit.dataset.visit);
    for (const mark of visit.querySelectorAll("[data-kept]")) {
      const own = mine.filter((one) => one.step === mark.dataset.kept || (mark.dataset.kept === "tasks" && one.step.startsWith("task-")));
      mark.textContent = !own.length ? "" : own.every((one) => one.state === "sent") ? words.sent : own.some((one) => one.state === "refused") ? "✗" : words.kept;
    }
    for (const step of mine.filter((one) => one.step.startsWith("task-"))) {
      const form = visit.querySelector(`[data-step-form="${step.step}"]`);
      form?.querySelectorAll("button[name=done]").forEach((button) => button.setAttribute("aria-pressed", String(button.value === step.fields.done && step.state !== "refused")));
    }
    if (help) showHelp(mine.filter((one) => one.step === "help"));
    show(place());
  }

  // What is pressed now decides, so that the phone says "dial 120" without asking anybody.
  function showHelp(calls) {
    const pressed = [...visit.querySelectorAll("form[data-danger]")].filter((form) => form.querySelector(`button[value=${form.dataset.danger}]`).getAttribute("aria-pressed") === "true");
    help.classList.toggle("is-now", pressed.length > 0 || calls.length > 0);
    help.querySelector("[data-danger-only]").hidden = !pressed.length && !calls.length;
    if (calls.length) help.querySelector("[data-help-state]").textContent = calls.some(isKept) ? words.helpKept : calls.every((one) => one.state === "sent") ? words.helpSent : "";
    const said = pressed.map((form) => form.dataset.means);
    help.querySelector("[data-what]").textContent = said.join("；") || help.dataset.usual;
  }

  let asked = false;
  function locate() {
    const form = visit.querySelector('[data-step-form="arrive"]');
    const told = form?.querySelector("[data-place]");
    if (asked || !told) return;
    asked = true;
    if (!navigator.geolocation) {
      told.textContent = words.noPlace;
      return;
    }
    told.textContent = words.locating;
    navigator.geolocation.getCurrentPosition(
      (at) => {
        form.elements.latitude.value = at.coords.latitude.toFixed(6);
        form.elements.longitude.value = at.coords.longitude.toFixed(6);
        told.textContent = words.located;
      },
      () => (told.textContent = words.noPlace),
      { enableHighAccuracy: true, timeout: 15000, maximumAge: 60000 },
    );
  }

  // Who is at the door hears the code: it is asked for once, and again by the button. Later it would be of no use.
  async function sayCode(told) {
    const button = visit.querySelector("[data-say-code]");
    const verdict = await post({ url: button.dataset.sayCode, fields: {} });
    if (told) toast(verdict === null ? words.unreachable : verdict.why || button.dataset.said);
  }

  if (visit) {
    visit.addEventListener("submit", (event) => {
      event.preventDefault();
      keep(event.target, event.submitter);
      window.scrollTo(0, 0);
    });
    visit.addEventListener("click", (event) => {
      if (event.target.closest("[data-say-code]")) sayCode(true);
      const next = event.target.closest("[data-next]");
      if (!next) return;
      sessionStorage.setItem(`anju-at-${visit.dataset.visit}`, next.dataset.next);
      show(next.dataset.next);
      if (next.dataset.next === "arrive") sayCode(false);
      window.scrollTo(0, 0);
      visit.querySelector(`[data-step="${next.dataset.next}"]`)?.querySelector("input:not([type=hidden]), button")?.focus();
    });
  }

  // An offer rings until it is answered or gone.
  let rung = "";
  function ring() {
    const offer = document.querySelector(".offer");
    if (!offer) return;
    window.anju.chime(false);
    if (rung !== offer.dataset.say) {
      rung = offer.dataset.say;
      window.anju.say(rung);
    }
  }
  ring();
  setInterval(ring, 8000);
  document.addEventListener("anju:redrawn", ring);

  // Signing out leaves nothing of anybody on the phone; what is not sent yet must not be lost.
  for (const form of document.querySelectorAll('form[action="/logout"]')) {
    form.addEventListener("submit", (event) => {
      const waiting = load().filter((one) => one.state === "kept").length;
      if (waiting) {
        event.preventDefault();
        toast(fill(words.waiting, { n: waiting }));
        return;
      }
      localStorage.removeItem(KEY);
      window.caches?.delete("anju-carer");
    });
  }

  // What was sent more than a day ago is not kept on the phone.
  const yesterday = new Date(Date.now() - 86400000).toISOString();
  save(load().filter((one) => one.state === "kept" || one.fields.phone_at > yesterday));

  window.addEventListener("online", send);
  setInterval(send, 10000);
  draw();
  send();

  // Once the worker of the pages stands, it is shown all that today needs, so that a stairwell without signal is no obstacle.
  async function stockUp() {
    await navigator.serviceWorker.register("/carer/sw.js", { scope: "/carer" });
    const { active } = await navigator.serviceWorker.ready;
    if (!navigator.serviceWorker.controller) {
      const taken = new Promise((done) => navigator.serviceWorker.addEventListener("controllerchange", done, { once: true }));
      active.postMessage("claim");
      await taken;
    }
    const needed = [...document.querySelectorAll("link[rel=stylesheet], script[src], .route a")];
    for (const address of [location.href, ...needed.map((one) => one.href || one.src)]) await fetch(address, { credentials: "same-origin" });
    document.documentElement.dataset.stocked = "true";
  }
  if ("serviceWorker" in navigator) stockUp().catch(() => {});
})();
