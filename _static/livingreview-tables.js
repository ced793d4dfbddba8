// Sorting and filtering for the tables of the review. Without this script they are plain, complete tables.
"use strict";

(() => {
  const FILTER_FROM = 12;
  const SORT_FROM = 3;
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  // "1,234", "−0.5", "86.4 %" and "0.93 (0.90–0.95)" are numbers; blank cells come last in both directions.
  const value = (cell) => {
    const text = cell.textContent.trim();
    const match = text.replace(/−/g, "-").match(/^[<>≤≥]?\s?(-?\d[\d,\s\u00a0\u202f]*(?:\.\d+)?)/);
    return { text, number: match ? Number(match[1].replace(/[,\s\u00a0\u202f]/g, "")) : NaN };
  };

  const compare = (a, b, numeric) =>
    numeric && !Number.isNaN(a.number) && !Number.isNaN(b.number)
      ? a.number - b.number
      : collator.compare(a.text, b.text);

  const sort = (table, heading, column) => {
    const direction = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of heading.parentElement.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", direction);
    const numeric = heading.classList.contains("lr-number");
    const sign = direction === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, key: value(row.cells[column]) }));
    rows.sort((a, b) => {
      if (!a.key.text || !b.key.text) return (a.key.text ? 0 : 1) - (b.key.text ? 0 : 1);
      return sign * compare(a.key, b.key, numeric);
    });
    body.append(...rows.map(({ row }) => row));
  };

  const makeSortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "lr-sort";
      button.append(...heading.childNodes);
      button.addEventListener("click", () => sort(table, heading, column));
      heading.append(button);
    });
  };

  const makeFilterable = (figure, table) => {
    const rows = [...table.tBodies[0].rows];
    const label = document.createElement("label");
    label.className = "lr-filter";
    const field = document.createElement("input");
    field.type = "search";
    field.autocomplete = "off";
    const count = document.createElement("output");
    const recount = () => {
      const shown = rows.filter((row) => !row.hidden && !row.classList.contains("lr-left-out")).length;
      count.textContent = shown < rows.length ? `${shown} of ${rows.length} rows` : `${rows.length} rows`;
    };
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
      recount();
    });
    // The explorer leaves out rows of its own accord and says so.
    table.addEventListener("lr-left-out", recount);
    recount();
    label.append("Filter ", field, count);
    figure.querySelector("figcaption").after(label);
  };

  // Says of a table that is cut by the screen that it scrolls, because nothing else shows it on a phone.
  const tellWhereWide = (figure) => {
    const region = figure.querySelector(".lr-scroll");
    const note = document.createElement("p");
    note.className = "lr-wide";
    note.textContent = "Wider than the page: scroll the table sideways →";
    region.before(note);
    new ResizeObserver(() => {
      note.hidden = region.scrollWidth < region.clientWidth + 16;
    }).observe(region);
  };

  const start = () => {
    document.querySelectorAll("figure.lr-table:has(.lr-scroll)").forEach(tellWhereWide);
    for (const figure of document.querySelectorAll("figure.lr-table:not(.lr-facts)")) {
      const table = figure.querySelector("table");
      if (table.tBodies[0].rows.length >= SORT_FROM) makeSortable(table);
      if (table.tBodies[0].rows.length >= FILTER_FROM) makeFilterable(figure, table);
    }
  };

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
