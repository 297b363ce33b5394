// Runs before the first paint: the reader's own choice of light or dark, kept in this browser only.
(function () {
  "use strict";
  try {
    var chosen = localStorage.getItem("baton-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch (refused) {
    // Storage is off: the system's choice stands.
  }
})();
