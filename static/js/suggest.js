/* Suggestions under the search box: a combobox after the ARIA pattern. The server answers a fragment of options. */
const WAIT = 120;

export function suggest(root) {
  for (const box of root.querySelectorAll("input[data-suggest]")) attach(box);
}

function attach(box) {
  const list = Object.assign(document.createElement("div"), { className: "sug", id: "suggestions", hidden: true });
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", box.labels?.[0]?.textContent ?? "");
  box.after(list);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": list.id, "aria-autocomplete": "list" })) box.setAttribute(name, value);
  let timer = 0;
  let asked = null;

  const options = () => [...list.querySelectorAll("[role=option]")];
  const open = (yes) => {
    list.hidden = !yes;
    box.setAttribute("aria-expanded", String(yes));
    if (!yes) box.removeAttribute("aria-activedescendant");
  };
  const select = (index) => {
    const all = options();
    all.forEach((option, at) => {
      option.id ||= `suggestion-${at}`;
      option.setAttribute("aria-selected", String(at === index));
    });
    if (all[index]) {
      box.setAttribute("aria-activedescendant", all[index].id);
      all[index].scrollIntoView({ block: "nearest" });
    }
  };
  const choose = (option) => {
    open(false);
    if (option.dataset.href) { window.location.assign(option.dataset.href); return; }
    box.value = option.dataset.value ?? option.textContent.trim();
    box.form.requestSubmit();
  };
  const ask = async () => {
    asked?.abort();
    const words = box.value.trim();
    if (!words) { open(false); return; }
    asked = new AbortController();
    try {
      const answer = await fetch(`${box.dataset.suggest}?${new URLSearchParams({ q: words })}`, { signal: asked.signal, headers: { "HX-Request": "true" } });
      if (!answer.ok) { open(false); return; }
      list.innerHTML = await answer.text();
      select(-1);
      open(options().length > 0);
    } catch (stopped) {
      if (stopped.name !== "AbortError") open(false);
    }
  };

  box.addEventListener("input", (event) => {
    if (event.isComposing) return;
    clearTimeout(timer);
    timer = setTimeout(ask, WAIT);
  });
  box.addEventListener("compositionend", ask);
  box.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    const all = options();
    const at = all.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "ArrowDown") { event.preventDefault(); select((at + 1) % all.length); }
    else if (event.key === "ArrowUp") { event.preventDefault(); select((at <= 0 ? all.length : at) - 1); }
    else if (event.key === "Enter" && at >= 0) { event.preventDefault(); choose(all[at]); }
    else if (event.key === "Escape") open(false);
  });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose(option);
  });
  box.addEventListener("blur", () => open(false));
}
