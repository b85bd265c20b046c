/* What htmx leaves to us: prepare swapped-in parts, and say when a request failed. */
import { say } from "./say.js";

export function htmx(root) {
  root.addEventListener("htmx:load", (event) => {
    for (const button of event.target.querySelectorAll?.("[data-copy], [data-print]") ?? []) button.hidden = false;
    event.target.querySelector?.("[data-focus-now]")?.focus();
  });
  root.addEventListener("htmx:responseError", (event) => {
    const answer = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    const words = answer.querySelector(".note b")?.textContent ?? String(event.detail.xhr.status);
    const notes = root.querySelector(".flashes") ?? root.querySelector("main").insertAdjacentElement("afterbegin", Object.assign(document.createElement("div"), { className: "flashes" }));
    const note = answer.querySelector(".note");
    if (note) notes.replaceChildren(note);
    say(words);
  });
}
