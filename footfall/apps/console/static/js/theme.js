// Light or dark, before the first paint: the system's choice, or the one made here.
// A plain script, not a module, so that the page does not flash.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try {
    chosen = localStorage.getItem("footfall-theme");
  } catch {
    chosen = null; // storage is refused: the system's choice holds
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;

  const tell = () => dispatchEvent(new CustomEvent("footfall:theme"));
  dark.addEventListener("change", tell);
  addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("[data-theme-toggle]");
    button?.addEventListener("click", () => {
      const now = root.dataset.theme ?? (dark.matches ? "dark" : "light");
      root.dataset.theme = now === "dark" ? "light" : "dark";
      try {
        localStorage.setItem("footfall-theme", root.dataset.theme);
      } catch {
        // not kept beyond this page
      }
      tell();
    });
  });
})();
