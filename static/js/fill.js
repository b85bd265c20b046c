/* An example for the form on this page, put in by one click: `data-fill` holds {field: value}; "max" is the field's own largest. */
export function fills(root) {
  for (const button of root.querySelectorAll("[data-fill]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const [name, value] of Object.entries(JSON.parse(button.dataset.fill))) {
        for (const field of root.querySelectorAll(`main [name="${name}"], main [name$="-${name}"]`)) {
          field.value = value === "max" ? field.max : value;
        }
      }
    });
  }
}
