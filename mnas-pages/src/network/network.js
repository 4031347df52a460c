{
  // Where a link leads is open when one arrives.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
    const own = target.querySelector("details");
    if (own) own.open = true;
    target.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", reveal);
  reveal();

  const button = document.getElementById("expand");
  button.hidden = false;
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") !== "true";
    for (const one of document.querySelectorAll(".stage > details, .layer > details")) one.open = open;
    button.setAttribute("aria-expanded", open);
    button.textContent = open ? "Close all layers" : "Open all layers";
  });

  // A block in the picture and its row light up together.
  const light = (name, on) => {
    for (const at of document.querySelectorAll("[data-of], [data-stage]"))
      if ((at.dataset.of ?? at.dataset.stage) === name) at.classList.toggle("lit", on);
  };
  for (const at of document.querySelectorAll("[data-of], [data-stage]")) {
    const name = at.dataset.of ?? at.dataset.stage;
    for (const type of ["pointerenter", "focusin"]) at.addEventListener(type, () => light(name, true));
    for (const type of ["pointerleave", "focusout"]) at.addEventListener(type, () => light(name, false));
  }
}
