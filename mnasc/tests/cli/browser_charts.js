// Charts of a report: every trial is marked where the axes say, whose ticks are read from what a person reads; words cover
// no other words and stand within the picture; colours are seen; the pointer and the keyboard find every mark.
function checkCharts(page, view, expected, say, { rgba, over, contrast, behind }) {
  const tip = page.getElementById("tip");
  const charts = [...page.querySelectorAll("svg.chart")];
  const names = charts.map((svg) => svg.dataset.chart);
  const wanted = Object.keys(expected.charts);
  if (names.toSorted().join() !== wanted.toSorted().join()) say(`charts ${names} instead of ${wanted}`);

  const number = (text) => Number(text.replaceAll(",", "").replace("−", "-"));
  const axisOf = (svg, which) => {
    const lines = [...svg.querySelectorAll(`line.grid[data-axis=${which}]`)].map((line) => Number(line.getAttribute(`${which}1`)));
    const ticks = [...svg.querySelectorAll(`text.tick[data-axis=${which}]`)].map((text) => number(text.textContent));
    const what = `${which} of ${svg.dataset.chart}`;
    if (lines.length < 2 || lines.length !== ticks.length) say(`${lines.length} lines and ${ticks.length} ticks on ${what}`);
    const scaled = svg.dataset[which] === "log" ? Math.log : (value) => value;
    const last = ticks.length - 1;
    const factor = (lines[last] - lines[0]) / (scaled(ticks[last]) - scaled(ticks[0]));
    const at = (value) => lines[0] + (scaled(value) - scaled(ticks[0])) * factor;
    ticks.forEach((tick, index) => {
      if (!(Math.abs(at(tick) - lines[index]) < 0.7)) say(`the tick ${tick} on ${what} is at ${lines[index]} instead of ${at(tick)}`);
    });
    return at;
  };

  for (const svg of charts) {
    const name = svg.dataset.chart;
    const chart = expected.charts[name] ?? {};
    const [x, y] = [axisOf(svg, "x"), axisOf(svg, "y")];
    const bottom = Number(svg.querySelector("line.grid[data-axis=x]").getAttribute("y2"));
    const marks = [...svg.querySelectorAll("use[data-t]")];
    const points = chart.points ?? [];
    if (marks.length !== points.length) say(`${marks.length} marks for ${points.length} trials in ${name}`);
    const byNumber = new Map(marks.map((mark) => [mark.dataset.t, mark]));
    for (const [trial, across, up] of points) {
      const mark = byNumber.get(String(trial));
      if (!mark) {
        say(`trial ${trial} has no mark in ${name}`);
        continue;
      }
      const at = [Number(mark.getAttribute("x")), Number(mark.getAttribute("y"))];
      // What is below the chart stands at its foot with a mark of its own; so does what failed.
      const isLow = mark.classList.contains("below"), isFailed = mark.classList.contains("failed");
      const failed = up === null;
      if (failed !== isFailed) say(`trial ${trial} in ${name} looks as if it had ${failed ? "not " : ""}failed`);
      if (isLow && !(y(up) > bottom - 17)) say(`trial ${trial} in ${name} is not below the chart`);
      const to = [x(across), failed || isLow ? bottom - 6 : y(up)];
      if (!(Math.abs(at[0] - to[0]) < 0.8 && Math.abs(at[1] - to[1]) < 0.8)) say(`trial ${trial} in ${name} is at ${at} instead of ${to}`);
    }
    // Attributes say where, the browser draws there.
    for (const mark of marks.slice(-1)) {
      const box = mark.getBoundingClientRect();
      const at = new view.DOMPoint(Number(mark.getAttribute("x")), Number(mark.getAttribute("y"))).matrixTransform(svg.getScreenCTM());
      if (Math.hypot((box.left + box.right) / 2 - at.x, (box.top + box.bottom) / 2 - at.y) > 2.5) say(`a mark of ${name} is drawn elsewhere`);
    }
    const bars = [...svg.querySelectorAll("[data-count]")];
    const sum = bars.reduce((sum, bar) => sum + Number(bar.dataset.count), 0);
    if (sum !== (chart.bars ?? 0)) say(`bars for ${sum} instead of ${chart.bars ?? 0} trials in ${name}`);
    for (const bar of bars) {
      const rects = [...bar.querySelectorAll("rect")].map((rect) => [Number(rect.getAttribute("y")), Number(rect.getAttribute("height"))]);
      const top = Math.min(...rects.map((rect) => rect[0])), height = rects.reduce((sum, rect) => sum + rect[1], 0);
      if (!(Math.abs(top - y(Number(bar.dataset.count))) < 0.8 && Math.abs(bottom - top - height) < 0.3)) say(`a bar of ${bar.dataset.count} in ${name} reaches to ${top}`);
    }
    const pairs = [...svg.querySelectorAll(".pair circle")];
    const expectedPairs = chart.pairs ?? [];
    if (pairs.length !== expectedPairs.length) say(`${pairs.length} pairs instead of ${expectedPairs.length} in ${name}`);
    for (const [across, up] of expectedPairs) {
      const near = pairs.some((pair) => Math.hypot(Number(pair.getAttribute("cx")) - x(across), Number(pair.getAttribute("cy")) - y(up)) < 1);
      if (!near) say(`no pair at ${across}, ${up} in ${name}`);
    }
    const lines = svg.querySelectorAll(".learnt path").length;
    if (lines !== (chart.lines ?? 0)) say(`${lines} lines instead of ${chart.lines ?? 0} in ${name}`);

    const frame = svg.getBoundingClientRect();
    const words = [...svg.querySelectorAll("text")].filter((text) => text.getClientRects().length);
    const boxes = words.map((text) => text.getBoundingClientRect());
    words.forEach((text, index) => {
      const box = boxes[index];
      if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 1 || box.bottom > frame.bottom + 1)
        say(`"${text.textContent}" stands out of ${name}`);
      if (box.height < 11) say(`"${text.textContent}" in ${name} is ${box.height} pixels high`);
      for (let other = 0; other < index; other += 1) {
        const over = boxes[other];
        const [width, height] = [Math.min(box.right, over.right) - Math.max(box.left, over.left), Math.min(box.bottom, over.bottom) - Math.max(box.top, over.top)];
        // Line boxes are higher than letters.
        if (width > 1 && height > 0.3 * box.height) say(`"${text.textContent}" covers "${words[other].textContent}" in ${name}`);
      }
    });

    // Shapes differ visibly from their background.
    const below = behind(svg);
    const looks = new Map([...svg.querySelectorAll("use, path, .target, .early, .late, .pair circle")].map((at) => [at.getAttribute("class") ?? at.tagName, at]));
    for (const [look, at] of looks) {
      const style = view.getComputedStyle(at);
      const paints = [["fill", "fillOpacity"], ["stroke", "strokeOpacity"]].filter(([kind]) => style[kind] !== "none");
      const seen = paints.map(([kind, opacity]) => {
        const colour = rgba(style[kind]);
        return contrast(over([...colour.slice(0, 3), colour[3] * Number(style[opacity])], below), below);
      });
      if (!(Math.max(...seen) >= 3)) say(`contrast ${Math.max(...seen).toFixed(2)} of ${look} in ${name}`);
    }

    // One stop of the tab key; arrows go from left to right.
    const stops = [...svg.querySelectorAll("[data-stop]")].sort((a, b) => a.dataset.stop - b.dataset.stop);
    if (stops.filter((stop) => stop.tabIndex === 0).length !== (stops.length ? 1 : 0)) say(`${name} is not one stop of the tab key`);
    if (stops.length > 1) {
      stops[0].focus();
      stops[0].dispatchEvent(new view.KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
      if (page.activeElement !== stops[1]) say(`an arrow key does not go on in ${name}`);
      const own = stops[1].dataset.t;
      if (tip.hidden || (own && !tip.textContent.startsWith(`Trial ${own}`))) say(`the words of a mark in ${name} are "${tip.textContent}"`);
      if (own && !stops[1].getAttribute("aria-label")?.startsWith(`Trial ${own}`)) say(`a mark in ${name} is called "${stops[1].getAttribute("aria-label")}"`);
      stops[1].blur();
    }
  }

  // A pointer beside a mark shows its words, and lights the trial up in every chart.
  for (const [trial, words] of Object.entries(expected.tips ?? {})) {
    const mark = page.querySelector(`svg.chart use[data-t="${trial}"]`);
    if (!mark) {
      say(`trial ${trial} has no mark`);
      continue;
    }
    mark.scrollIntoView({ block: "center", behavior: "instant" });
    const box = mark.getBoundingClientRect();
    const at = { clientX: (box.left + box.right) / 2 + 1, clientY: (box.top + box.bottom) / 2 + 1, bubbles: true };
    mark.ownerSVGElement.dispatchEvent(new view.PointerEvent("pointermove", at));
    const said = tip.hidden ? "" : tip.textContent;
    for (const word of [`Trial ${trial}`, ...words]) if (!said.includes(word)) say(`beside trial ${trial} stands "${said}" without "${word}"`);
    const own = [...page.querySelectorAll(`use[data-t="${trial}"]`)];
    if (!own.every((one) => one.classList.contains("lit"))) say(`trial ${trial} does not light up everywhere`);
    if (page.querySelectorAll(".lit[data-t]").length !== own.length) say(`more than trial ${trial} lights up`);
  }
}
