// The wall screen: it follows the stream of alerts, and says since when it does not.
"use strict";

(() => {
  let fresh = Date.now();
  let connected = true;
  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    if (!detail.successful) return;
    if (detail.xhr.responseURL.includes("/login")) window.anju.toast(window.anju.words.ended);
    else fresh = Date.now();
  });
  document.addEventListener("htmx:sseOpen", () => (connected = true));
  document.addEventListener("htmx:sseError", () => (connected = false));
  setInterval(() => window.anju.tellStale(fresh, connected), 1000);
})();
