// The editor of templates: line numbers, suggestions while typing, and a look at what is typed.
// Without it the page is a text field with a button that shows the same look.
(() => {
  "use strict";
  const form = document.querySelector("[data-editor]");
  const area = form && form.querySelector("textarea");
  if (!area) return;
  const box = form.querySelector("[data-ted]");
  const lines = form.querySelector("[data-lines]");
  const pop = form.querySelector("#ted-pop");
  const count = form.querySelector("[data-count]");
  const problem = document.getElementById("ted-error");
  const look = document.querySelector("[data-look]");
  const part = (name) => look.querySelector(`[data-${name}]`);
  const words = { variable: [], tag: [], filter: [] };
  for (const one of document.querySelectorAll("[data-word]")) words[one.dataset.word].push(one.dataset);
  const writable = !area.readOnly;
  form.querySelector("#ted-hint").hidden = !writable;

  // Line numbers -----------------------------------------------------------------------------
  let marked = Number(area.dataset.line) || 0;
  let drawn = "";
  const number = () => {
    const many = area.value.split("\n").length;
    const key = `${many} ${marked}`;
    if (key !== drawn) {
      drawn = key;
      lines.replaceChildren(
        ...Array.from({ length: many }, (_, at) => {
          const one = document.createElement(at + 1 === marked ? "b" : "span");
          one.textContent = at + 1;
          return one;
        }),
      );
    }
    lines.style.blockSize = `${area.offsetHeight}px`;
    lines.scrollTop = area.scrollTop;
  };
  area.addEventListener("scroll", () => { lines.scrollTop = area.scrollTop; close(); });
  new ResizeObserver(number).observe(area);

  // Suggestions ------------------------------------------------------------------------------
  let offered = [];
  let chosen = 0;
  let typed = "";
  let kind = "";
  const close = () => {
    pop.hidden = true;
    offered = [];
    area.removeAttribute("aria-activedescendant");
    area.removeAttribute("aria-controls");
  };
  // What is being typed: its kind and how much of it there is; nothing outside of braces.
  const sought = () => {
    const before = area.value.slice(Math.max(0, area.selectionStart - 400), area.selectionStart);
    const opened = Math.max(before.lastIndexOf("{{"), before.lastIndexOf("{%"));
    if (opened < 0) return null;
    const inside = before.slice(opened);
    if (inside.includes("}}") || inside.includes("%}")) return null;
    let found = inside.match(/\|\s*(\w*)$/);
    if (found) return ["filter", found[1]];
    found = inside.match(/^\{\{-?\s*([\w.]*)$/);
    if (found) return ["variable", found[1]];
    found = inside.match(/^\{%-?\s*(\w*)$/);
    if (found) return ["tag", found[1]];
    found = inside.match(/^\{%-?\s*(?:if|elsif|unless|case|echo)\b.*?(?:\s|[=<>!]=?\s*)([\w.]*)$/);
    if (found) return ["variable", found[1]];
    return null;
  };
  const place = () => {
    // A copy of the line up to the caret says how wide it is, in whatever script.
    const start = area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
    const ruler = document.createElement("span");
    ruler.style.cssText = "position:absolute;visibility:hidden;white-space:pre;font:inherit;tab-size:2";
    ruler.textContent = area.value.slice(start, area.selectionStart);
    box.append(ruler);
    const wide = ruler.getBoundingClientRect().width;
    ruler.remove();
    const row = area.value.slice(0, start).split("\n").length;
    const top = 10 + row * 20 - area.scrollTop + 2;
    const room = box.clientWidth - pop.offsetWidth - 8;
    const from = lines.offsetWidth + 12 + wide - Math.abs(area.scrollLeft);
    pop.style.insetBlockStart = `${Math.max(0, top)}px`;
    pop.style.insetInlineStart = `${Math.max(8, Math.min(from, room))}px`;
  };
  const choose = (at) => {
    chosen = (at + offered.length) % offered.length;
    [...pop.children].forEach((one, index) => one.setAttribute("aria-selected", index === chosen));
    area.setAttribute("aria-activedescendant", `ted-o${chosen}`);
    pop.children[chosen].scrollIntoView({ block: "nearest" });
  };
  const suggest = () => {
    const now = writable && area.selectionStart === area.selectionEnd ? sought() : null;
    if (!now) return close();
    [kind, typed] = now;
    const wanted = typed.toLowerCase();
    const begin = words[kind].filter((one) => one.name.startsWith(wanted));
    const within = words[kind].filter((one) => !one.name.startsWith(wanted) && one.name.includes(wanted));
    offered = [...begin, ...within];
    // A tag that is written whole still lacks its end.
    const whole = kind !== "tag" && offered.length === 1 && offered[0].name === typed;
    if (!offered.length || whole) return close();
    pop.replaceChildren(
      ...offered.map((one, at) => {
        const item = document.createElement("li");
        const name = document.createElement("code");
        const meaning = document.createElement("span");
        item.id = `ted-o${at}`;
        item.setAttribute("role", "option");
        name.dir = "ltr";
        name.textContent = one.name;
        meaning.textContent = one.meaning;
        item.append(name, meaning);
        item.addEventListener("mousedown", (event) => { event.preventDefault(); take(at); });
        return item;
      }),
    );
    pop.hidden = false;
    area.setAttribute("aria-controls", "ted-pop");
    count.textContent = `${offered.length} suggestions`;
    place();
    choose(0);
  };
  const write = (text, back = 0) => {
    area.focus();
    // Kept in the history of what can be undone, which setting the value would forget.
    if (!document.execCommand("insertText", false, text)) area.setRangeText(text, area.selectionStart, area.selectionEnd, "end");
    area.selectionStart = area.selectionEnd = area.selectionEnd - back;
  };
  const take = (at) => {
    const one = offered[at];
    const after = area.value.slice(area.selectionEnd);
    const closed = /^[^{\n]*(\}\}|%\})/.test(after);
    const before = area.value[area.selectionStart - typed.length - 1];
    area.selectionStart -= typed.length;
    const blank = /[{%]/.test(before || "") ? " " : "";
    close();
    if (kind === "tag" && !closed) {
      const alone = one.name === "comment" || one.name === "capture";
      const tail = one.end ? ` %}{% ${one.end} %}` : " %}";
      const head = `${blank}${one.name}${one.name === "comment" ? "" : " "}`;
      write(head + tail, alone && one.name === "comment" ? tail.length - 3 : tail.length);
    } else if (kind === "variable" && !closed && area.value.slice(0, area.selectionStart).match(/\{\{-?\s*$/)) {
      write(`${blank}${one.name} }}`);
    } else {
      write(`${blank}${one.name}`);
    }
    changed();
  };
  area.addEventListener("keydown", (event) => {
    if (pop.hidden) return;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) choose(chosen + move);
    else if (event.key === "Enter" || event.key === "Tab") take(chosen);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  area.addEventListener("blur", close);
  area.addEventListener("click", suggest);
  area.addEventListener("keyup", (event) => {
    if (/^(ArrowLeft|ArrowRight|Home|End)$/.test(event.key)) suggest();
  });
  for (const one of writable ? document.querySelectorAll(".ted-words [data-word=variable]") : []) {
    one.setAttribute("role", "button");
    one.tabIndex = 0;
    one.title = "Insert";
    const insert = () => { write(`{{ ${one.dataset.name} }}`); changed(); };
    one.addEventListener("click", insert);
    one.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); insert(); }
    });
  }

  // How it reads -----------------------------------------------------------------------------
  let timer = 0;
  let asked = null;
  const say = (text, line) => {
    problem.hidden = !text;
    problem.querySelector("[data-said]").textContent = text;
    box.classList.toggle("bad", Boolean(text));
    if (text) area.setAttribute("aria-invalid", "true"); else area.removeAttribute("aria-invalid");
    marked = line;
    number();
    look.classList.toggle("ted-stale", Boolean(text));
  };
  const show = (told) => {
    say("", 0);
    part("wait").hidden = true;
    part("note").hidden = !told.note;
    part("note").textContent = told.note;
    part("page").hidden = !told.page;
    if (told.page) part("page").srcdoc = told.page;
    part("text").hidden = Boolean(told.page);
    part("text").textContent = told.page ? "" : told.text;
  };
  const see = async () => {
    if (asked) asked.abort();
    if (!area.value.trim()) return;
    const mine = (asked = new AbortController());
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), signal: mine.signal, headers: { accept: "application/json" } });
      const told = await answer.json();
      if (answer.ok) show(told); else say(told.error || told.detail || "This can't be shown now.", told.line || 0);
    } catch (error) {
      if (error.name !== "AbortError") say("The preview can't be reached. What you typed is kept here; try again.", 0);
    }
  };
  let dirty = form.querySelector("[data-said]").textContent !== "";
  const changed = () => {
    dirty = true;
    number();
    clearTimeout(timer);
    timer = setTimeout(see, 400);
  };
  area.addEventListener("input", () => { changed(); suggest(); });
  form.addEventListener("submit", () => { dirty = false; });
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  number();
  if (writable && !dirty) see();
})();
