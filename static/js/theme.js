/* Set the chosen theme before the first paint; without a choice the system decides. Loaded in the head, not as a module. */
(function () {
  try {
    var chosen = localStorage.getItem("mall-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch (refused) {
    document.documentElement.dataset.storage = "none";
  }
})();
