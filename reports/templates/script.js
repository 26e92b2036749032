"use strict";
(() => {
  const root = document.documentElement;
  const find = document.getElementById("find");
  const fields = { text: "search", type: "by-type", role: "by-role" };
  const inputs = Object.fromEntries(Object.entries(fields).map(([key, id]) => [key, document.getElementById(id)]));
  const proven = document.getElementById("only-proven");
  const cards = [...document.querySelectorAll("article.card")];
  const followers = [...document.querySelectorAll("[data-of]")];
  const types = [...document.querySelectorAll("[data-of-type]")];

  // A browser may forbid storage to pages of the disk; the choice then lasts until the page is closed.
  const recall = () => { try { return localStorage.getItem("eventminer-theme"); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem("eventminer-theme", theme); } catch { /* see above */ } };
  const theme = document.getElementById("theme");
  const dress = (choice) => {
    if (choice === "auto") delete root.dataset.theme; else root.dataset.theme = choice;
    theme.value = choice;
  };
  theme.addEventListener("change", () => { dress(theme.value); remember(theme.value); });
  theme.closest("[hidden]").hidden = false;
  dress(["light", "dark"].includes(recall()) ? recall() : "auto");

  // The way back to the contents is of no use where they can be seen.
  const up = document.querySelector(".up");
  new IntersectionObserver(([seen]) => { up.hidden = seen.isIntersecting; }).observe(document.getElementById("contents"));

  if (!find) return;

  function matches(card) {
    const words = inputs.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    return words.every((word) => ` ${card.dataset.text}`.includes(` ${word}`))
      && (!inputs.type.value || card.dataset.type === inputs.type.value)
      && (!inputs.role || !inputs.role.value || card.dataset.role === inputs.role.value)
      && (!proven?.checked || card.dataset.proven === "yes");
  }

  function filter() {
    const kept = new Set();
    const live = new Set();
    for (const card of cards) {
      const shown = matches(card);
      card.hidden = !shown;
      if (shown) { kept.add(card.id); live.add(card.dataset.type); }
    }
    const all = kept.size === cards.length;
    for (const follower of followers) {
      const off = !kept.has(follower.dataset.of);
      if (follower instanceof SVGElement) follower.classList.toggle("off", off); else follower.hidden = off;
    }
    for (const part of types) part.hidden = !all && !live.has(part.dataset.ofType);
    document.getElementById("found").textContent =
      all ? `${cards.length} patterns` : `${kept.size} of ${cards.length} patterns`;
    document.getElementById("none").hidden = kept.size > 0;
    document.getElementById("clear").hidden = all;
  }

  function clear() {
    for (const input of Object.values(inputs)) if (input) input.value = "";
    if (proven) proven.checked = false;
    filter();
  }

  function goToFirst() {
    const first = cards.find((card) => !card.hidden);
    if (first) location.hash = first.id;
  }

  find.hidden = false;
  find.addEventListener("input", filter);
  find.addEventListener("submit", (event) => { event.preventDefault(); goToFirst(); });
  document.getElementById("clear").addEventListener("click", () => { clear(); inputs.text.focus(); });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      inputs.text.focus();
    } else if (event.key === "Escape") clear();
  });
  // A link to a card that the filter hides must still lead to it.
  window.addEventListener("hashchange", () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.closest("[hidden]")) { clear(); target.scrollIntoView(); }
  });
  filter();
})();
