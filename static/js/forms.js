/* Forms: confirm before an irreversible step, tick all, send a filter on change, take the focus to the errors, send once. */
export function forms(root) {
  root.addEventListener("submit", (event) => {
    const words = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
    if (words && !window.confirm(words)) { event.preventDefault(); return; }
    if (event.target.method === "post" && !event.target.hasAttribute("hx-post")) {
      if (event.target.dataset.sent) event.preventDefault();
      event.target.dataset.sent = "1";
    }
  });
  window.addEventListener("pageshow", () => { for (const form of root.querySelectorAll("[data-sent]")) delete form.dataset.sent; });
  root.addEventListener("change", (event) => {
    const all = event.target.closest("[data-check-all]");
    if (all) {
      for (const box of root.querySelectorAll(`input[type=checkbox][name="${CSS.escape(all.dataset.checkAll)}"]`)) {
        if (box.checked !== all.checked && !box.disabled) box.click();
      }
    }
    const form = event.target.form;
    if (form?.hasAttribute("data-autosubmit")) form.requestSubmit();
    if (event.target.matches(".pick input")) {
      for (const pick of event.target.closest("fieldset, form").querySelectorAll(".pick")) pick.classList.toggle("on", pick.querySelector("input").checked);
    }
  });
  for (const hidden of root.querySelectorAll("[data-js-hide]")) hidden.hidden = true;
  root.querySelector("[data-focus-now]")?.focus();
}
