{
  // Words of a trial are on the page once; each of its marks has them.
  const words = new Map([...document.querySelectorAll("#tips li")].map((one) => [String(one.value), one.textContent]));
  const marks = new Map();
  for (const mark of document.querySelectorAll("[data-t]")) {
    const tip = words.get(mark.dataset.t) ?? `Trial ${mark.dataset.t}`;
    mark.dataset.tip = tip;
    mark.setAttribute("role", "img");
    mark.setAttribute("aria-label", tip.replaceAll("\n", ", "));
    if (!marks.has(mark.dataset.t)) marks.set(mark.dataset.t, []);
    marks.get(mark.dataset.t).push(mark);
  }

  // A trial lights up wherever it is drawn.
  let lit;
  const light = (trial) => {
    if (trial === lit) return;
    for (const mark of marks.get(lit) ?? []) mark.classList.remove("lit");
    for (const mark of marks.get(trial) ?? []) mark.classList.add("lit");
    lit = trial;
  };
  document.addEventListener("focusin", (event) => light(event.target.dataset?.t));
  document.addEventListener("focusout", () => light());

  // Near a mark is on it: it is small, and a finger is not.
  for (const chart of document.querySelectorAll("svg.chart")) {
    const own = [...chart.querySelectorAll("use[data-t]")].map((mark) => [mark, +mark.getAttribute("x"), +mark.getAttribute("y")]);
    if (!own.length) continue;
    const find = (event) => {
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(chart.getScreenCTM().inverse());
      let nearest, least = 22 ** 2;
      for (const [mark, x, y] of own) {
        const distance = (x - at.x) ** 2 + (y - at.y) ** 2;
        // Of equal ones the last is drawn above.
        if (distance <= least) [nearest, least] = [mark, distance];
      }
      return nearest;
    };
    const look = (event) => {
      const mark = find(event);
      light(mark?.dataset.t);
      (mark ?? chart).dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    };
    for (const type of ["pointermove", "pointerdown"]) chart.addEventListener(type, look);
    chart.addEventListener("pointerleave", () => light());
  }
}
