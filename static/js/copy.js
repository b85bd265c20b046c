/* Copy buttons and the print button. */
import { say } from "./say.js";

export function copies(root) {
  for (const button of root.querySelectorAll("[data-copy], [data-print]")) button.hidden = false;
  root.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.classList.add("done");
      say(button.getAttribute("aria-label") ?? "");
    } else if (event.target.closest("[data-print]")) window.print();
  });
}
