{
  // Titles of shapes become words beside them, which a keyboard reaches too.
  const tip = document.getElementById("tip");
  for (const title of document.querySelectorAll("svg title")) {
    const shape = title.parentNode;
    shape.dataset.tip = title.textContent;
    shape.setAttribute("aria-label", title.textContent.replaceAll("\n", ", "));
    title.remove();
  }
  const hide = () => { tip.hidden = true; };
  const show = (event) => {
    const shape = event.target.closest?.("[data-tip]");
    if (!shape) return hide();
    tip.textContent = shape.dataset.tip;
    tip.hidden = false;
    const at = shape.getBoundingClientRect();
    const [width, height] = [document.documentElement.clientWidth, innerHeight];
    const middle = Math.min(Math.max((at.left + at.right) / 2, 0), width);
    tip.style.left = `${Math.max(8, Math.min(middle - tip.offsetWidth / 2, width - tip.offsetWidth - 8))}px`;
    const above = at.top - tip.offsetHeight - 8;
    const y = above >= 8 ? above : Math.max(8, Math.min(at.bottom + 8, height - tip.offsetHeight - 8));
    tip.style.top = `${y}px`;
  };
  for (const type of ["pointerover", "focusin"]) document.addEventListener(type, show);
  for (const type of ["pointerleave", "focusout"]) document.addEventListener(type, hide);
  addEventListener("scroll", hide, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });

  // One stop of the tab key for a picture; arrows go on from there.
  for (const picture of document.querySelectorAll("svg[data-roving]")) {
    // By their numbers, where they have any: what is drawn above others is last on the page.
    const stops = [...picture.querySelectorAll("[data-stop]")].sort((a, b) => a.dataset.stop - b.dataset.stop);
    stops.forEach((stop, index) => stop.setAttribute("tabindex", index ? -1 : 0));
    picture.addEventListener("keydown", (event) => {
      const now = stops.indexOf(event.target);
      const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const next = event.key === "Home" ? 0 : event.key === "End" ? stops.length - 1 : now + by;
      if (now < 0 || !stops[next]) return;
      event.preventDefault();
      stops[now].setAttribute("tabindex", -1);
      stops[next].setAttribute("tabindex", 0);
      stops[next].focus();
    });
  }
}
