// Shared by all tabs of one session: it holds their one stream of events, and tells each tab the names of what happens.
// No content passes from tab to tab: each asks for what it shows, with the rights of who is signed in by then.
"use strict";

const EVENTS = ["open", "error", "alert", "visit", "told", "resync"];
const RETRY_MS = 5000;
const [path] = self.name.split(" ");
// Until when each tab may be silent: one that crashed, or was frozen, says no more that it listens.
const tabs = new Map();
let source = null;
let opened = 0;
let lost = false;

const now = () => performance.now();

function tell(name) {
  if (name === "open" || name === "error") lost = name === "error";
  for (const port of tabs.keys()) port.postMessage(name);
}

function connect() {
  // Refused, by a session that is over or a server that starts: a browser does not try that again by itself.
  if (source?.readyState === EventSource.CLOSED && now() - opened > RETRY_MS) source = null;
  if (source) return;
  opened = now();
  source = new EventSource(path);
  for (const name of EVENTS) source.addEventListener(name, () => tell(name));
}

// With nobody left the line is closed: the platform must not believe that somebody listens.
function sweep() {
  for (const [port, until] of tabs) if (until < now()) tabs.delete(port);
  if (tabs.size) return;
  source?.close();
  source = null;
  lost = false;
}

function answer(port) {
  if (lost) return "error";
  return !tabs.has(port) && source?.readyState === EventSource.OPEN ? "open" : "here";
}

function listen(port, silence) {
  // A tab that joins, or comes back, is told "open": it then looks for what it missed.
  port.postMessage(answer(port));
  if (silence) tabs.set(port, now() + silence);
  else tabs.delete(port);
  if (silence) connect();
  else sweep();
}

self.addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => listen(port, data));
  port.start();
});
setInterval(sweep, RETRY_MS);
// Held for as long as this worker lives: it ends with the process of the tab that started it, and no message says so.
navigator.locks?.request(self.name, () => new Promise(() => {}));
