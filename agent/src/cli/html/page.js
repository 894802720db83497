
"use strict";
(() => {
  const bar = document.querySelector(".filters");
  const search = document.getElementById("q");
  const count = bar.querySelector("output");
  const clear = document.getElementById("clear");
  const boxes = [...bar.querySelectorAll("input[type=checkbox]")];
  const groups = [...bar.querySelectorAll("[data-group]")].map((set) => ({
    key: set.dataset.group,
    boxes: [...set.querySelectorAll("input")],
  }));
  const sections = [...document.querySelectorAll("[data-section]")];
  const items = [...document.querySelectorAll("[data-item]")].map((element) => ({
    element,
    words: element.textContent.toLowerCase(),
    section: element.closest("[data-section]"),
  }));

  // Within a group any ticked box will do; between groups all must hold.
  function filter() {
    const ticked = groups
      .map(({ key, boxes }) => ({ key, values: boxes.filter((box) => box.checked).map((box) => box.value) }))
      .filter(({ values }) => values.length > 0);
    const words = search.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const active = ticked.length > 0 || words.length > 0;
    const shown = new Map(sections.map((section) => [section, 0]));
    let total = 0;
    for (const { element, words: text, section } of items) {
      const fits = ticked.every(({ key, values }) => {
        const own = (element.dataset[key] || "").split(" ");
        return values.some((value) => own.includes(value));
      }) && words.every((word) => text.includes(word));
      element.hidden = !fits;
      if (fits) {
        total += 1;
        if (section) shown.set(section, shown.get(section) + 1);
      }
    }
    for (const [section, visible] of shown) {
      section.hidden = visible === 0;
      const fold = section.matches(".fold") ? section : section.querySelector(".fold");
      if (fold) fold.open = active && visible > 0;
    }
    count.textContent = `${total} of ${items.length} ${count.dataset.things} shown`;
    clear.hidden = !active;
    return { ticked, active };
  }

  // The filter is the part of the address after #?, so that what is on the screen can be sent as a link.
  function write({ ticked, active }) {
    const state = new URLSearchParams(ticked.map(({ key, values }) => [key, values.join(",")]));
    if (search.value !== "") state.set("q", search.value);
    const hash = active ? `#?${state}` : "";
    history.replaceState(null, "", hash || location.pathname + location.search);
  }

  function read() {
    const state = new URLSearchParams(location.hash.slice(2));
    for (const { key, boxes } of groups) {
      const values = (state.get(key) || "").split(",");
      for (const box of boxes) box.checked = values.includes(box.value);
    }
    search.value = state.get("q") || "";
  }

  // A link to something that is filtered away or folded shows it.
  function follow() {
    if (location.hash.startsWith("#?")) {
      read();
      filter();
      return;
    }
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.closest("[hidden]")) reset();
    for (let above = target; above; above = above.parentElement) {
      if (above.tagName === "DETAILS") above.open = true;
    }
    const own = target.querySelector(":scope > details");
    if (own) own.open = true;
    target.scrollIntoView();
  }

  function reset() {
    for (const box of boxes) box.checked = false;
    search.value = "";
    filter();
  }

  function offer_copies() {
    for (const text of document.querySelectorAll("[data-copy]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        try {
          await navigator.clipboard.writeText(text.textContent);
          button.textContent = "Copied";
        } catch {
          getSelection().selectAllChildren(text);
          button.textContent = "Selected";
        }
      });
      text.after(button);
    }
  }

  // On paper nothing can be unfolded, and what was folded before is folded again afterwards.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of folded) fold.open = false;
  });

  bar.hidden = false;
  read();
  filter();
  bar.addEventListener("input", () => write(filter()));
  clear.addEventListener("click", () => {
    reset();
    write(filter());
    search.focus();
  });
  addEventListener("hashchange", follow);
  offer_copies();
  follow();
})();
