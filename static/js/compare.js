/* Ticks for the comparison: 2 to 4 offers. The tray is a form of its own; without this its button sends the ticks. */
import { say } from "./say.js";

export function compare(root) {
  const tray = root.querySelector("[data-tray]");
  if (!tray) return;
  const most = Number(tray.dataset.most ?? 4);
  const show = (changed) => {
    const ticks = [...root.querySelectorAll("input[data-compare]")];
    const chosen = ticks.filter((tick) => tick.checked);
    if (changed && chosen.length > most) {
      changed.checked = false;
      say(tray.dataset.full ?? "");
      return;
    }
    for (const tick of ticks) tick.closest(".card, tr")?.classList.toggle("picked", tick.checked);
    const count = tray.querySelector("[data-count]");
    if (count) count.textContent = String(chosen.length);
    const list = tray.querySelector("ol");
    if (list) {
      list.replaceChildren(...chosen.map((tick) => {
        const item = document.createElement("li");
        item.className = "chip";
        item.textContent = tick.dataset.compare;
        return item;
      }));
    }
    for (const button of tray.querySelectorAll("[data-needs]")) button.disabled = chosen.length < Number(button.dataset.needs);
    tray.hidden = chosen.length === 0;
  };
  root.addEventListener("change", (event) => { if (event.target.matches("input[data-compare]")) show(event.target); });
  tray.querySelector("[data-clear]")?.addEventListener("click", (event) => {
    event.preventDefault();
    for (const tick of root.querySelectorAll("input[data-compare]:checked")) tick.checked = false;
    show();
  });
  show();
}
