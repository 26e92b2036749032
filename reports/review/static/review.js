/* The review page without its pictures is plain HTML: links and forms. This script makes it quick and gives it keys.
   - a link or a form is fetched, and the bar and the main part of the page are replaced by those of the answer;
   - an element with data-key is clicked by that key, in an open dialog only those of the dialog;
   - data-open opens a dialog, data-close closes it, data-photo shows a whole photograph in a dialog. */
"use strict";
(() => {
  const one = (selector, within = document) => within.querySelector(selector);
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const dialogs = () => all("dialog[open]");
  let turn = 0;
  let waiting = false;

  async function visit(address, { form = null, push = true, quiet = false } = {}) {
    const mine = ++turn;
    if (!quiet) document.body.classList.add("busy");
    try {
      const options = form ? { method: "POST", body: form } : {};
      const answer = await fetch(address, options);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (mine !== turn && !form) return;
      if (!answer.ok) return complain(one("#reason", page)?.textContent || `The server answered ${answer.status}.`);
      const url = new URL(answer.url);
      show(page, url, push);
    } catch (error) {
      complain(navigator.onLine === false ? "There is no connection." : "The server does not answer. Is it still running?");
    } finally {
      if (mine === turn) document.body.classList.remove("busy");
    }
  }

  function show(page, url, push) {
    if (all("head script[src]", page).length !== all("head script[src]").length) return location.assign(url);
    const scroll = document.body.dataset.here === page.body.dataset.here ? one(".list")?.scrollTop : 0;
    dialogs().forEach((dialog) => dialog.close());
    url.searchParams.delete("done");
    for (const name of ["bar", "main", "who"]) one(`#${name}`).replaceWith(document.adoptNode(one(`#${name}`, page)));
    document.title = page.title;
    document.body.dataset.here = page.body.dataset.here;
    if (push) history[url.href === location.href ? "replaceState" : "pushState"]({}, "", url);
    one("#trouble").hidden = true;
    one("#news").hidden = true;
    if (scroll) one(".list").scrollTop = scroll;
    arrive();
    window.scrollTo(0, 0);
    one("#name")?.focus({ preventScroll: true });
  }

  function arrive() {
    const list = one(".list"), row = one(".list .row[aria-current]");
    if (row && list.scrollHeight > list.clientHeight) {
      const off = row.getBoundingClientRect().top - list.getBoundingClientRect().top;
      if (off < 0 || off + row.offsetHeight > list.clientHeight) list.scrollTop += off - list.clientHeight / 2;
    }
    const toast = one("#toast");
    const name = one("#name")?.textContent || "";
    one("#says").textContent = toast ? `${one("span", toast).textContent}. ${name}` : name;
    if (toast) setTimeout(() => toast.remove(), 6000);
    const url = new URL(location.href);
    if (url.searchParams.has("done")) {
      url.searchParams.delete("done");
      history.replaceState({}, "", url);
    }
  }

  function complain(text) {
    const box = one("#trouble");
    box.textContent = text;
    box.hidden = false;
    clearTimeout(complain.timer);
    complain.timer = setTimeout(() => { box.hidden = true; }, 8000);
    const open = dialogs().at(-1);
    (open || document.body).append(box); // what lies under an open dialog cannot be seen
  }

  function open(id) {
    const dialog = one(`#${id}`);
    if (!dialog || dialog.open) return;
    if (id === "split") countChosen();
    dialog.showModal();
    const field = one("[data-focus]", dialog);
    if (id === "reject") one("button[data-key]", dialog).focus(); // so that a digit is a reason
    else field?.focus();
    if (field?.value && field.select) field.select();
  }

  function close(dialog) {
    dialog.close();
    if (dialog.id === "photo") dialog.replaceChildren();
  }

  async function showPhoto(address) {
    const answer = await fetch(address);
    if (!answer.ok) return complain("That photograph cannot be shown.");
    const content = one("#photo-content", new DOMParser().parseFromString(await answer.text(), "text/html"));
    const dialog = one("#photo");
    const heat = one('[data-toggle="heat"]', dialog)?.getAttribute("aria-pressed") === "true";
    const box = one('[data-toggle="box"]', dialog)?.getAttribute("aria-pressed") !== "false";
    dialog.replaceChildren(document.adoptNode(content));
    if (!dialog.open) dialog.showModal();
    if (heat) toggle("heat");
    if (!box) toggle("box");
    const choose = one("[data-choose]", dialog);
    const picked = choose && picker(choose.dataset.choose);
    if (picked) choose.setAttribute("aria-pressed", String(picked.checked));
    else choose?.remove();
    one("[data-close]", dialog).focus();
  }

  function toggle(what) {
    const dialog = one("#photo-content");
    const part = one(`.${what}`, dialog);
    const button = one(`[data-toggle="${what}"]`, dialog);
    if (!part) return;
    const on = button.getAttribute("aria-pressed") !== "true";
    if (on && part.dataset.src && !part.hasAttribute("href")) part.setAttribute("href", part.dataset.src);
    part.toggleAttribute("hidden", !on);
    button.setAttribute("aria-pressed", String(on));
  }

  const picker = (record) => all("#sheet .pick input").find((box) => box.value === record);

  function countChosen() {
    const n = all("#sheet .pick input:checked").length;
    const note = one("#chosen");
    if (note) {
      note.hidden = n === 0;
      one("strong", note).textContent = n;
    }
    const text = one("#split-count");
    if (text) text.textContent = n ? `${n} chosen photograph${n === 1 ? "" : "s"} will become a pattern of ${n === 1 ? "its" : "their"} own.` : "Choose photographs first: tick them, or point at one and press X.";
  }

  let pointed = null;
  document.addEventListener("pointerover", (event) => { pointed = event.target.closest?.("#sheet li") || pointed; });

  function pick() {
    const item = document.activeElement.closest?.("#sheet li") || pointed;
    const box = item && document.contains(item) && one("input", item);
    if (box) { box.checked = !box.checked; countChosen(); }
  }

  function moveInSheet(key) {
    const links = all("#sheet a");
    const at = links.indexOf(document.activeElement);
    if (at < 0) return false;
    const columns = getComputedStyle(one("#sheet")).gridTemplateColumns.split(" ").length;
    const next = at + { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[key];
    links[next]?.focus();
    return true;
  }

  document.addEventListener("click", (event) => {
    const target = event.target.closest("a, button, [data-open]");
    if (!target) {
      if (event.target.matches?.("dialog")) close(event.target);
      return;
    }
    const data = target.dataset;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    if ("open" in data) { event.preventDefault(); open(data.open); return; }
    if ("close" in data && target.closest("dialog")) { event.preventDefault(); close(target.closest("dialog")); return; }
    if ("toggle" in data) { toggle(data.toggle); return; }
    if ("print" in data) { window.print(); return; }
    if ("choose" in data) {
      const box = picker(data.choose);
      if (box) { box.checked = !box.checked; target.setAttribute("aria-pressed", String(box.checked)); countChosen(); }
      return;
    }
    if ("photo" in data) { event.preventDefault(); showPhoto(target.href); return; }
    if (target.tagName === "A" && target.origin === location.origin && !("full" in data) && !target.classList.contains("skip")) {
      event.preventDefault();
      visit(target.href);
    }
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const fields = new URLSearchParams(new FormData(form, event.submitter));
    if ("full" in form.dataset) return;
    event.preventDefault();
    const address = form.getAttribute("action"); // form.action is the field of that name
    if (form.getAttribute("method") === "post") {
      if (waiting) return; // one decision after the other
      if (form.id === "split-form" && !fields.has("records")) return complain("No photograph is chosen.");
      if (fields.get("action") === "merge" && !fields.has("others")) return complain("No pattern is chosen.");
      waiting = true;
      visit(address, { form: fields }).finally(() => { waiting = false; });
    } else visit(`${address}?${fields}`);
  });

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-auto]");
    if (form) form.requestSubmit();
    if (event.target.closest(".pick")) countChosen();
  });

  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "Enter" && event.target.form) { event.preventDefault(); event.target.form.requestSubmit(one("button.strong", event.target.form)); return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // a field of a dialog that was just closed has the focus until the next frame
    const typing = event.target.matches('input:not([type="checkbox"]), textarea, select') && !event.target.closest("dialog:not([open])");
    const dialog = dialogs().at(-1);
    if (typing) return;
    if (event.key === "/" && !dialog) { event.preventDefault(); one("#find").focus(); return; }
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!dialog && going && Date.now() - going < 1500) {
      going = 0;
      const view = one(`[data-go="${CSS.escape(key)}"]`);
      if (view) { event.preventDefault(); view.click(); return; }
    }
    if (!dialog && key === "g") { going = Date.now(); return; }
    if (!dialog && key.startsWith("Arrow") && moveInSheet(key)) { event.preventDefault(); return; }
    if (!dialog && key === "e") { one("#sheet a")?.focus(); return; }
    if (!dialog && key === "x") { pick(); return; }
    if (!dialog && key === ".") { visit(location.href, { push: false }); return; }
    const wanted = { ArrowDown: "j", ArrowUp: "k" }[key] || key;
    const found = all(`[data-key="${CSS.escape(dialog ? key : wanted)}"]`, dialog || document).find((part) => dialog || !part.closest("dialog"));
    if (!found || found.disabled) return;
    event.preventDefault();
    found.click();
  });

  window.addEventListener("popstate", () => visit(location.href, { push: false }));

  async function listen() {
    const bar = one("#bar");
    if (document.visibilityState !== "visible" || !bar || waiting) return;
    try {
      const answer = await fetch(`/pulse?since=${bar.dataset.revision}`);
      if (!answer.ok) return;
      const news = await answer.json();
      const note = one("#news");
      if (!news.n || one("#bar") !== bar) return;
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.key = ".";
      button.textContent = "Show";
      button.addEventListener("click", () => visit(location.href, { push: false }));
      note.replaceChildren(`${news.who.join(", ")} decided ${news.n === 1 ? "something" : `${news.n} things`} meanwhile${news.conflicts ? `; ${news.conflicts} conflict${news.conflicts === 1 ? "" : "s"}` : ""}.`, button);
      note.hidden = false;
    } catch { /* the next decision will say that the server is gone */ }
  }
  setInterval(listen, 4000);
  arrive();
})();
