// Lets the carer's pages open without a signal: the network first, what was last seen otherwise. Posts are never touched.
"use strict";

const STORE = "anju-carer";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

// A page that was opened while this worker was just starting asks to be taken over.
self.addEventListener("message", (event) => event.data === "claim" && event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { pathname, origin } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (pathname.startsWith("/static/")) event.respondWith(storedFirst(request));
  else if (pathname === "/carer" || pathname.startsWith("/carer/visits/")) event.respondWith(networkFirst(request));
});

async function storedFirst(request) {
  const store = await caches.open(STORE);
  const kept = await store.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await store.put(request, answer.clone());
  return answer;
}

async function networkFirst(request) {
  const store = await caches.open(STORE);
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), 6000);
  try {
    const answer = await fetch(request.url, { credentials: "same-origin", redirect: "manual", signal: giveUp.signal, headers: request.headers });
    if (answer.ok) await store.put(request.url, answer.clone());
    return answer;
  } catch (error) {
    const kept = await store.match(request.url);
    if (kept) return kept;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
