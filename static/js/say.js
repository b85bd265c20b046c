/* Say something to screen readers through the one live region of the page. */
export function say(words) {
  const place = document.querySelector("[data-say]");
  if (place) place.textContent = words;
}
