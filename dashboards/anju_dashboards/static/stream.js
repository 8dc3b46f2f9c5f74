// Events of a signed-in person, for all tabs of her browser over one line: it opens only six to a server of HTTP/1.1.
"use strict";

(() => {
  const workerAddress = document.currentScript.dataset.worker;
  const EVENTS = ["open", "error", "alert", "visit", "told", "resync"];
  const BEAT_MS = 5000;
  const MOST_UNANSWERED = 3;
  // A hidden page's timers may run once a minute.
  const SILENCE_MS = { visible: 20000, hidden: 150000 };

  const tell = (name) => document.body.dispatchEvent(new Event(`stream:${name}`));

  // A line of its own while it is looked at; what is hidden asks now and then, as each page does anyway.
  function followAlone(path) {
    let source = null;
    function listen() {
      if (document.hidden || source?.readyState === EventSource.CLOSED) {
        source?.close();
        source = null;
      }
      if (document.hidden || source) return;
      source = new EventSource(path);
      for (const name of EVENTS) source.addEventListener(name, () => tell(name));
    }
    document.addEventListener("visibilitychange", listen);
    setInterval(listen, BEAT_MS);
    listen();
  }

  // Tells the worker that this tab listens, and is answered each time. One that died with its process is started anew;
  // one that has never answered is not asked again.
  function followTogether(path, whileHidden) {
    // Named by the session: whoever signs in later has a worker, and a line, of their own.
    const name = `${path} ${document.body.dataset.csrf}`;
    const worker = new SharedWorker(workerAddress, name);
    const { port } = worker;
    const leaving = new AbortController();
    let answered = false;
    let unanswered = 0;
    function leave() {
      leaving.abort();
      clearInterval(beating);
      port.close();
      if (answered) followTogether(path, whileHidden);
      else followAlone(path);
    }
    function beat() {
      if (unanswered === MOST_UNANSWERED) return leave();
      unanswered += 1;
      port.postMessage(document.hidden && !whileHidden ? 0 : SILENCE_MS[document.visibilityState]);
    }
    const { signal } = leaving;
    port.addEventListener("message", ({ data }) => {
      // The worker's own lock comes free when it dies: on a page of HTTP, which has none, its silence tells.
      if (!answered) navigator.locks?.request(name, { mode: "shared", signal }, leave).catch(() => {});
      answered = true;
      unanswered = 0;
      if (data !== "here") tell(data);
    }, { signal });
    worker.addEventListener("error", leave, { signal });
    document.addEventListener("visibilitychange", beat, { signal });
    window.addEventListener("pagehide", () => port.postMessage(0), { signal });
    window.addEventListener("pageshow", ({ persisted }) => persisted && beat(), { signal });
    const beating = setInterval(beat, BEAT_MS);
    port.start();
    beat();
  }

  // Events come to the body, as "stream:alert"; "stream:open" where something may have been missed.
  function followEvents(path, { whileHidden = false } = {}) {
    try {
      followTogether(path, whileHidden);
    } catch {
      // A browser without shared workers, or one that forbids them.
      followAlone(path);
    }
  }

  // Asks anew whenever something happens to a visit, after a lost network and every ten seconds, never twice at a time.
  function followVisits(ask) {
    let asking = false;
    let again = false;
    async function look() {
      again = asking;
      if (asking) return;
      asking = true;
      try {
        await ask();
      } catch {
        // The page's line about stale data, or about the missing network, says so.
      } finally {
        asking = false;
        if (again) look();
      }
    }
    for (const name of ["open", "visit", "told", "resync"]) document.body.addEventListener(`stream:${name}`, look);
    // Not while the page is hidden: an offer then counts as not delivered, and others are asked.
    followEvents("/api/v1/visits/stream");
    window.addEventListener("online", look);
    setInterval(look, 10000);
    return look;
  }

  Object.assign(window.anju, { followEvents, followVisits });
})();
