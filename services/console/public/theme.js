// Runs before anything is painted, so that a dark page never flashes light.
(() => {
  const chosen = localStorage.getItem("marquee-theme");
  const dark =
    chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.setAttribute("data-mantine-color-scheme", dark ? "dark" : "light");
})();
