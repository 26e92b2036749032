"use strict";
(() => {
  const sheet = document.body.dataset.sheet;
  const columns = document.body.dataset.columns.split(",");
  const items = [...document.querySelectorAll(".item")];
  const rater = document.getElementById("rater");
  const key = `eventminer-rating-${sheet}`;
  let current = 0;

  // A browser may forbid storage to pages of the disk; the sheet then works until it is closed.
  const recall = () => { try { return JSON.parse(localStorage.getItem(key)) || {}; } catch { return {}; } };
  const remember = (state) => { try { localStorage.setItem(key, JSON.stringify(state)); } catch { /* see above */ } };

  const answer = (item) => item.querySelector("input:checked")?.value ?? "";
  const comment = (item) => item.querySelector("[data-comment]");
  const count = () => items.filter(answer).length;

  function show(place, focus = true) {
    current = Math.min(Math.max(place, 0), items.length - 1);
    items.forEach((item, at) => { item.hidden = at !== current; });
    document.getElementById("back").disabled = current === 0;
    document.getElementById("next").disabled = current === items.length - 1;
    if (focus) items[current].querySelector("h2").focus({ preventScroll: false });
  }

  function update() {
    document.getElementById("done").textContent = `${count()} of ${items.length} answered`;
    document.getElementById("progress").value = count();
    const answers = {};
    items.forEach((item) => { answers[item.dataset.id] = [answer(item), comment(item).value]; });
    remember({ rater: rater.value, answers, current });
  }

  function give(value) {
    const input = items[current].querySelector(`input[value="${value}"]`);
    input.checked = true;
    update();
    if (current < items.length - 1) show(current + 1);
    update();
  }

  function nextOpen() {
    const order = [...items.keys()].map((step) => (current + 1 + step) % items.length);
    const open = order.find((at) => !answer(items[at]));
    if (open !== undefined) show(open);
  }

  // A cell that begins like a formula would be run by a spreadsheet.
  const cell = (value) => `"${String(value).replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;

  function save() {
    const name = rater.value.trim();
    const lines = items.map((item, at) => {
      const values = {
        sheet, id: item.dataset.id, number: at + 1, eventType: item.querySelector(".type").textContent,
        name: item.querySelector("h2").textContent, rating: answer(item), rater: name, comment: comment(item).value,
      };
      return columns.map((column) => cell(values[column])).join(",");
    });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([[columns.join(","), ...lines, ""].join("\n")], { type: "text/csv" }));
    link.download = `ratings-${name.replace(/[^\p{L}\p{N}]+/gu, "-") || sheet}.csv`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  const keys = {
    y: () => give("yes"), n: () => give("no"), u: () => give("unsure"), g: nextOpen, s: save,
    c: () => comment(items[current]).focus(), ArrowRight: () => show(current + 1), ArrowLeft: () => show(current - 1),
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input[type=text]");
    if (typing && event.key === "Escape") event.target.blur();
    const isArrow = event.key.startsWith("Arrow") && event.target.matches("input[type=radio]");
    if (typing || isArrow || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  document.getElementById("form").addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("input", update);
  document.getElementById("save").addEventListener("click", save);
  document.getElementById("back").addEventListener("click", () => show(current - 1));
  document.getElementById("next").addEventListener("click", () => show(current + 1));
  document.getElementById("open").addEventListener("click", nextOpen);

  const state = recall();
  rater.value = state.rater ?? "";
  for (const item of items) {
    const [value, note] = state.answers?.[item.dataset.id] ?? ["", ""];
    const input = item.querySelector(`input[value="${value}"]`);
    if (input) input.checked = true;
    comment(item).value = note;
  }
  show(state.current ?? 0, false);
  update();
})();
