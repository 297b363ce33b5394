// The little that pages cannot do by themselves: theme, dialogs, copying, toasts, ticking times, live parts.
(function () {
  "use strict";

  const root = document.documentElement;
  const RELATIVE = new Intl.RelativeTimeFormat(root.lang || "en", { numeric: "auto" });
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60]];

  function toggleTheme() {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("baton-theme", root.dataset.theme);
    } catch (refused) {
      // Storage is off: the choice lasts for this page.
    }
  }

  function relative(seconds) {
    const past = Math.abs(seconds);
    if (past < 45) return "just now";
    for (const [unit, size] of UNITS) {
      if (past >= size) return RELATIVE.format(Math.round(seconds / size), unit);
    }
    return RELATIVE.format(Math.round(seconds / 60), "minute");
  }

  function tick() {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const seconds = (new Date(time.dateTime) - Date.now()) / 1000;
      if (Math.abs(seconds) < 604800 && seconds < 0) time.textContent = relative(seconds);
    }
  }

  async function copy(button) {
    const text = document.querySelector(button.dataset.copy).textContent.trim();
    await navigator.clipboard.writeText(text);
    const before = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = before; }, 1600);
  }

  function tickAll(box) {
    for (const other of document.querySelectorAll(box.dataset.all)) other.checked = box.checked;
  }

  function filterList(input) {
    const wish = input.value.trim().toLowerCase();
    for (const choice of input.closest(".pick").querySelectorAll(".check")) {
      choice.hidden = !choice.textContent.toLowerCase().includes(wish);
    }
  }

  document.addEventListener("input", (event) => {
    if ("filter" in event.target.dataset) filterList(event.target);
  });

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-theme-toggle],[data-open],[data-close],[data-copy],[data-dismiss]");
    if (!target) {
      for (const menu of document.querySelectorAll(".bottom details[open]")) {
        if (!menu.contains(event.target)) menu.open = false;
      }
      return;
    }
    if ("themeToggle" in target.dataset) toggleTheme();
    if (target.dataset.open) document.querySelector(target.dataset.open).showModal();
    if ("close" in target.dataset) target.closest("dialog").close();
    if (target.dataset.copy) copy(target);
    if ("dismiss" in target.dataset) target.closest(".toast").remove();
  });

  document.addEventListener("change", (event) => {
    if (event.target.dataset.all) tickAll(event.target);
    if ("autosubmit" in event.target.dataset) event.target.form.requestSubmit();
  });

  // A live part that meets the sign-in page has lost its session: show the whole page instead.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (new URL(event.detail.xhr.responseURL || location.href).pathname.startsWith("/accounts/login")) {
      event.detail.shouldSwap = false;
      location.reload();
    }
  });
  document.addEventListener("htmx:afterSwap", tick);

  setInterval(tick, 20000);
})();
