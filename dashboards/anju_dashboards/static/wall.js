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
  document.body.addEventListener("stream:open", () => (connected = true));
  document.body.addEventListener("stream:error", () => (connected = false));
  window.anju.followEvents("/api/v1/alerts/stream", { whileHidden: true });
  setInterval(() => window.anju.tellStale(fresh, connected), 1000);
})();
