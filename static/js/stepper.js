/* The buttons beside a quantity; the number can be typed all the same. */
export function steppers(root) {
  root.addEventListener("click", (event) => {
    const button = event.target.closest(".step [data-step]");
    const box = button?.closest(".step").querySelector("input");
    if (!box || box.disabled) return;
    const before = box.value;
    if (button.dataset.step === "1") box.stepUp();
    else box.stepDown();
    if (box.value !== before) box.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
