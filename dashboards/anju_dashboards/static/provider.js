// The dispatcher's page: it follows what happens by itself, and never takes away what she is choosing or writing.
"use strict";

(() => {
  const visits = document.getElementById("visits");
  const rest = document.getElementById("rest");
  const heard = document.getElementById("heard");
  const title = document.title;
  let fresh = Date.now();
  let known = null;

  // A form that is open, or has the focus, stays as it is; what is above it goes on telling the truth.
  const isHers = (part) => part.querySelector("details[open]") !== null || part.contains(document.activeElement);

  function redraw(row, told) {
    row.className = told.className;
    const facts = row.querySelector("[data-facts]");
    if (facts.innerHTML !== told.querySelector("[data-facts]").innerHTML) facts.replaceWith(told.querySelector("[data-facts]"));
    const choose = row.querySelector("[data-choose]");
    if (!isHers(choose)) choose.replaceWith(told.querySelector("[data-choose]"));
  }

  function sayGone(row) {
    const line = document.createElement("p");
    line.className = "notice notice-way";
    line.textContent = visits.dataset.gone;
    row.className = "dispatch";
    row.querySelector("[data-facts]").replaceChildren(line);
  }

  // Rows are put around the one that is hers: a moved element would lose its focus.
  function show(page) {
    const told = page.getElementById("visits");
    const order = [...told.children].map((one) => one.id);
    for (const row of [...visits.children]) {
      if (order.includes(row.id)) continue;
      if (isHers(row)) sayGone(row);
      else row.remove();
    }
    let last = null;
    for (const one of [...told.children]) {
      const row = document.getElementById(one.id);
      if (row) redraw(row, one);
      const placed = row || one;
      const wanted = last ? last.nextElementSibling : visits.firstElementChild;
      if (placed !== wanted && !(row && isHers(row))) visits.insertBefore(placed, wanted);
      last = placed;
    }
    if (!rest.contains(document.activeElement)) rest.replaceChildren(...page.getElementById("rest").childNodes);
    window.htmx.process(visits);
    window.anju.setClock(page.body.dataset.now);
    announce();
  }

  function announce() {
    const red = [...visits.querySelectorAll(".dispatch.is-now")];
    const arrived = known === null ? null : red.find((one) => !known.has(one.id));
    known = new Set(red.map((one) => one.id));
    document.title = red.length ? `(${red.length}) ${title}` : title;
    if (arrived) heard.textContent = `${arrived.querySelector(".state").textContent} ${arrived.querySelector("h3").textContent}`;
  }

  announce();
  const look = window.anju.followVisits(async () => {
    const answer = await fetch("/provider", { credentials: "same-origin" });
    if (answer.redirected) window.anju.toast(window.anju.words.ended);
    else if (answer.ok) {
      show(new DOMParser().parseFromString(await answer.text(), "text/html"));
      fresh = Date.now();
    }
  });

  // What was sent is no longer hers to write.
  visits.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) return;
    const details = event.target.closest("details");
    details.open = false;
    details.querySelector("summary").focus();
    document.activeElement.blur();
    look();
  });

  setInterval(() => window.anju.tellStale(fresh), 1000);
})();
