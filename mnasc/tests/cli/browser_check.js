// Runs beside the page in each of several frames and reports what a person would see. One line a finding.
async function check(frame, expected) {
  const view = frame.contentWindow, page = frame.contentDocument;
  const findings = [...view.errors];
  const say = (words) => findings.push(words);
  const names = (attribute) => [...page.querySelectorAll(`[${attribute}]`)].map((at) => at.getAttribute(attribute));
  for (const [attribute, list] of Object.entries(expected.lists))
    if (JSON.stringify(names(attribute)) !== JSON.stringify(list)) say(`${attribute}: ${names(attribute)} instead of ${list}`);

  const root = page.documentElement;
  for (const one of page.querySelectorAll("details")) one.open = true;
  if (root.scrollWidth > root.clientWidth) say(`${root.scrollWidth} pixels wide on ${root.clientWidth}`);
  for (const at of page.querySelectorAll("body *")) {
    // What scrolls in a box of its own is not the page's.
    const box = at.getBoundingClientRect();
    if (box.width > 0 && !at.closest(".box, pre, #tip") && box.right > root.clientWidth + 0.5)
      say(`${at.tagName} ${at.className} ends at ${box.right} of ${root.clientWidth}`);
  }
  for (const box of page.querySelectorAll(".figure, .metric, .shape, .badge, .tiles > div, .legend li"))
    for (const at of box.children)
      if (at.getBoundingClientRect().right > box.getBoundingClientRect().right + 0.5)
        say(`"${at.textContent}" stands out of ${box.className || box.tagName}`);
  for (const box of page.querySelectorAll(".map"))
    if (!(box.getBoundingClientRect().height > 0.5 && box.getBoundingClientRect().width > 0.5)) say("a shape that is not seen");
  const drawn = page.querySelectorAll("[data-buffer] rect").length;
  if (drawn !== (expected.buffers ?? 0)) say(`${drawn} rectangles for ${expected.buffers} buffers`);
  for (const at of view.performance.getEntriesByType("resource")) say(`asked for ${at.name}`);

  // Any notation of a colour becomes four numbers by being drawn.
  const canvas = Object.assign(page.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const seen = new Map();
  const rgba = (colour) => {
    if (!seen.has(colour)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      seen.set(colour, [...canvas.getImageData(0, 0, 1, 1).data].map((value) => value / 255));
    }
    return seen.get(colour);
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const luminance = (colour) => {
    const [r, g, b] = colour.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const behind = (at) => {
    if (!at) return [1, 1, 1];
    const style = view.getComputedStyle(at);
    return over(rgba(style.backgroundColor), behind(at.parentElement));
  };
  let texts = 0, least = Infinity;
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.parentElement;
    if (!node.data.trim() || ["SCRIPT", "STYLE", "title"].includes(at.tagName) || !at.getClientRects().length) continue;
    const drawing = at.tagName === "text";
    const style = view.getComputedStyle(at);
    // Words on a shape are on the fill of the shape beside them.
    const shape = drawing && at.parentElement.querySelector(":scope > rect.map");
    const within = shape && at.parentElement.hasAttribute("data-buffer");
    const below = within ? over(rgba(view.getComputedStyle(shape).fill), behind(shape.ownerSVGElement)) : behind(drawing ? at.ownerSVGElement : at);
    const ratio = contrast(over(rgba(drawing ? style.fill : style.color), below), below);
    texts += 1;
    least = Math.min(least, ratio);
    if (!(ratio >= 4.5)) say(`contrast ${ratio.toFixed(2)} of "${node.data.trim().slice(0, 40)}"`);
  }
  if (texts < (expected.charts?.texts ?? 50)) say(`${texts} pieces of text only`);

  if (expected.charts) checkCharts(page, view, expected.charts, say, { rgba, over, contrast, behind });

  // The keyboard reaches a picture, and arrows go on in it; words then stand beside the shape.
  const stops = [...page.querySelectorAll("[data-buffer]")];
  if (expected.buffers && stops.filter((stop) => stop.tabIndex === 0).length !== 1) say("the arena is not one stop of the tab key");
  if (stops.length > 1) {
    stops[0].focus();
    stops[0].dispatchEvent(new view.KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    if (page.activeElement !== stops[1]) say("an arrow key does not go to the next buffer");
    const tip = page.getElementById("tip");
    if (tip.hidden || !tip.textContent.startsWith(stops[1].dataset.buffer)) say(`the words of a buffer are "${tip.textContent}"`);
  }
  const background = behind(page.body).map((v) => Math.round(v * 255)).join();
  return { width: view.innerWidth, background, least, texts, findings };
}
