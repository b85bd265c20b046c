/* The button that changes between light and dark; the choice is kept on this device. */
export function theme(root) {
  const html = document.documentElement;
  const isDark = () => getComputedStyle(html).colorScheme === "dark";
  for (const button of root.querySelectorAll("[data-theme-toggle]")) {
    button.hidden = false;
    const show = () => button.setAttribute("aria-pressed", String(isDark()));
    show();
    button.addEventListener("click", () => {
      html.dataset.theme = isDark() ? "light" : "dark";
      show();
      if (html.dataset.storage !== "none") localStorage.setItem("mall-theme", html.dataset.theme);
    });
  }
}
