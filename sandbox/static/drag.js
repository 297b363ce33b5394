// A session is dragged to another day. Without a script, its arrows and its form do the same.
"use strict";

let dragged = null;

for (const session of document.querySelectorAll(".session")) {
  session.draggable = true;
  session.querySelector("a").draggable = false;
  session.addEventListener("dragstart", (event) => {
    dragged = session;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", session.id);
    session.classList.add("dragged");
  });
  session.addEventListener("dragend", () => {
    dragged = null;
    session.classList.remove("dragged");
  });
}

for (const day of document.querySelectorAll(".day")) {
  day.addEventListener("dragover", (event) => {
    if (dragged && !day.contains(dragged)) {
      event.preventDefault();
      day.classList.add("over");
    }
  });
  day.addEventListener("dragleave", () => day.classList.remove("over"));
  day.addEventListener("drop", async (event) => {
    event.preventDefault();
    day.classList.remove("over");
    const form = dragged.querySelector("form");
    const told = new FormData(form);
    told.set("to", day.dataset.day);
    day.append(dragged);
    await fetch(form.action, { method: "POST", body: told });
    location.reload();
  });
}
