/* Keyboard: "/" goes to the search box, "g" + letter to a marked link, j/k/x/Enter walk a marked list. */
const typing = (event) => event.target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");

function walk(list, step) {
  const rows = [...list.querySelectorAll(":scope > li, :scope tbody > tr")];
  const at = rows.findIndex((row) => row.classList.contains("on"));
  const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
  if (!next) return;
  rows[at]?.classList.remove("on");
  next.classList.add("on");
  (next.querySelector("a, button, input") ?? next).focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
}

export function keys(root) {
  let going = -Infinity;
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event) || root.querySelector("dialog[open]")) return;
    if (event.key === "/") {
      const box = root.querySelector("[data-focus-key]");
      if (box) { event.preventDefault(); box.focus(); box.select?.(); }
      return;
    }
    if (event.timeStamp - going < 1200 && /^[a-z]$/.test(event.key)) {
      going = -Infinity;
      const link = root.querySelector(`[data-go="${event.key}"]`);
      if (link) { event.preventDefault(); link.click(); }
      return;
    }
    if (event.key === "g") { going = event.timeStamp; return; }
    const list = root.querySelector("[data-rows]");
    if (!list) return;
    if (event.key === "j") walk(list, 1);
    else if (event.key === "k") walk(list, -1);
    else if (event.key === "x") list.querySelector(".on input[type=checkbox]")?.click();
    else if (event.key === "Enter" && event.target === document.body) list.querySelector(".on a")?.click();
    else {
      const button = root.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
      if (button) { event.preventDefault(); button.click(); }
    }
  });
  root.addEventListener("click", (event) => {
    for (const open of root.querySelectorAll("details[data-pop][open]")) if (!open.contains(event.target)) open.open = false;
  });
}
