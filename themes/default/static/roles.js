// The matrix of a role: the search leaves rows away as it is typed, and changed cells are counted.
(() => {
  const form = document.querySelector("[data-rm]");
  if (!form) return;
  const find = document.querySelector("[data-rm-find]");
  const count = form.querySelector("[data-rm-count]");
  const changed = () => {
    let number = 0;
    for (const one of form.querySelectorAll("select[data-was]")) {
      const moved = one.value !== one.dataset.was;
      one.closest(".rm-cell").classList.toggle("moved", moved);
      one.closest(".rm-cell").classList.toggle("on", one.value !== "off");
      number += moved ? 1 : 0;
    }
    if (count) count.textContent = number ? (number === 1 ? "1 change" : `${number} changes`) : "";
  };
  form.addEventListener("change", changed);
  find.addEventListener("input", () => {
    const word = find.value.trim().toLowerCase();
    for (const app of form.querySelectorAll("[data-rm-app]")) {
      const name = app.querySelector(".rm-app").textContent.toLowerCase();
      let left = 0;
      for (const row of app.querySelectorAll("[data-rm-row]")) {
        const text = name + row.textContent.toLowerCase();
        row.hidden = !text.includes(word);
        left += row.hidden ? 0 : 1;
      }
      app.hidden = left === 0;
    }
  });
  changed();
})();
