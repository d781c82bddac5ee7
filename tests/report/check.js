// Runs inside of the page that is checked and leaves its findings in the title.
addEventListener("load", () => {
  const found = [];
  const problem = (condition, words) => condition && found.push(words);
  const charts = [...document.querySelectorAll("svg")], pictures = [...document.images];
  const drawn = (element) => {
    const box = element.getBoundingClientRect();
    return box.width > 0 && box.height > 0;
  };
  problem(charts.length === 0, "no chart");
  for (const chart of charts) {
    const name = chart.querySelector("title").textContent;
    problem(!drawn(chart), `chart ${name} has no size`);
    problem(chart.querySelectorAll("circle").length === 0, `chart ${name} has no points`);
    const frame = chart.getBoundingClientRect();
    for (const mark of chart.querySelectorAll("circle, polyline, text")) {
      const box = mark.getBoundingClientRect();
      const inside = box.left >= frame.left - 1 && box.right <= frame.right + 1 && box.top >= frame.top - 1 &&
                     box.bottom <= frame.bottom + 1;
      problem(!inside, `chart ${name}: ${mark.tagName} "${mark.textContent.trim()}" lies outside`);
    }
  }
  for (const picture of pictures) {
    problem(!picture.complete || picture.naturalWidth === 0, `picture "${picture.alt}" cannot be decoded`);
  }
  for (const table of document.querySelectorAll("table")) {
    const columns = new Set([...table.rows].map((row) => row.cells.length));
    problem(columns.size !== 1 || !drawn(table), "a table has rows of different lengths");
  }
  const fetched = performance.getEntriesByType("resource").filter((entry) => !entry.name.startsWith("data:"));
  problem(fetched.length > 0, `the page fetched ${fetched.map((entry) => entry.name)}`);
  problem(document.documentElement.scrollWidth > innerWidth, "the page is wider than the window");
  const counts = `${charts.length} charts, ${document.querySelectorAll("table").length} tables, ${pictures.length} pictures`;
  document.title = found.length ? `PROBLEMS: ${found.join("; ")}` : `FINE: ${counts}`;
});
