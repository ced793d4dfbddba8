// The explorer: filters choose a set of studies, and what that set pools to is looked up, never computed here.
(() => {
  const root = document.getElementById("lr-explore");
  if (!root) return;
  const { facets, studies, tables, pooled, overlap, specs } = JSON.parse(
    document.getElementById("lr-explore-data").textContent,
  );
  const form = root.querySelector("form");
  const byId = new Map(studies.map((study) => [study.id, study]));
  const fields = [...facets.map((facet) => facet.name), "from", "to", "metric"];
  const years = [...new Set(studies.map((study) => study.year).filter(Boolean))].sort();

  // --- The filters. -------------------------------------------------------------------------------------------------

  const choice = (name, title, values, any) => {
    const label = document.createElement("label");
    const select = document.createElement("select");
    select.name = name;
    if (any) select.add(new Option(any, ""));
    for (const [value, text] of values) select.add(new Option(text, value));
    label.append(title, select);
    return label;
  };
  const same = (values) => values.map((value) => [value, value]);
  const controls = facets.map((facet) => choice(facet.name, facet.title, same(facet.values), "any"));
  controls.push(choice("from", "Published from", same(years), "any"), choice("to", "Published until", same(years), "any"));
  form.querySelector(".lr-explore-filters").append(...controls);
  const metrics = [["dice", "Dice coefficient"], ["hausdorff", "Hausdorff distance (mm)"], ["hausdorff95", "95th percentile Hausdorff distance (mm)"]];
  root.querySelector(".lr-explore-metric").append(choice("metric", "Measure", metrics.filter(([name]) => overlap.some((row) => row.metric === name)), ""));
  const select = (name) => root.querySelector(`select[name="${name}"]`);

  // What the address asks for and no filter has is said, not left out in silence.
  let refused = [];
  const readAddress = () => {
    const address = new URLSearchParams(location.search);
    refused = [];
    for (const name of fields) {
      const field = select(name);
      const wanted = address.get(name) ?? "";
      const found = [...field.options].find((option) => option.value.toLowerCase() === wanted.toLowerCase());
      if (wanted && !found) refused.push(`“${wanted}” is no value of the filter “${field.labels[0].firstChild.textContent}”, so it is not applied.`);
      field.value = (found ?? field.options[0]).value;
    }
  };
  const refuse = () => {
    const from = Number(select("from").value);
    const to = Number(select("to").value);
    const said = from && to && from > to ? [...refused, `No study is published from ${from} and until ${to}.`] : refused;
    const place = root.querySelector(".lr-explore-refused");
    place.textContent = said.join(" ");
    place.hidden = !said.length;
  };
  const writeAddress = () => {
    const chosen = fields.map((name) => [name, select(name).value]).filter(([name, value]) => value && select(name).selectedIndex > 0);
    const query = new URLSearchParams(chosen).toString();
    // A step of its own, so that the browser's way back undoes a filter.
    history.pushState(null, "", `${location.pathname}${query ? `?${query}` : ""}${location.hash}`);
  };

  // A study of several conditions is shown under each that it names; its table is not pooled there.
  const aside = (study) => Boolean(study.also[select("topic")?.value]);
  const passes = (study) => {
    const from = Number(select("from").value);
    const to = Number(select("to").value);
    return (
      facets.every(({ name }) => !select(name).value || study[name].includes(select(name).value) || (name === "topic" && aside(study))) &&
      (!from || study.year >= from) &&
      (!to || (study.year && study.year <= to))
    );
  };

  // --- The views. ---------------------------------------------------------------------------------------------------

  const ROW = 26;
  const views = new Map();
  // Vega is far larger than all the rest of the page: it is loaded when the charts come into view.
  let embed;
  let seen = false;
  const vega = () => (embed ??= import("./vega.mjs").then(() => window.vegaEmbed));

  // Where the charts cannot be drawn, the page's static figure stands in for them.
  const fixed = document.getElementById("fig-forest")?.closest(".cell");
  const failure = document.createElement("p");
  failure.className = "lr-explore-failed";
  failure.setAttribute("role", "alert");
  root.querySelector(".lr-explore-views").before(failure);
  const standIn = (failed) => {
    failure.hidden = !failed;
    failure.textContent = failed
      ? "The charts could not be drawn. The figure that follows stands in for them: it shows every study that is pooled, whatever is chosen above. The table below has all studies. Your next choice tries again."
      : "";
    root.querySelector(".lr-explore-views").hidden = failed;
    fixed?.toggleAttribute("hidden", !failed);
  };
  const orStandIn = (step) => async () => {
    try {
      await step();
    } catch (error) {
      console.error(error);
      embed = undefined; // so that the next choice loads it again
      standIn(true);
    }
  };

  const draw = async (name, datasets, rows, height = ROW * (rows + 2)) => {
    const place = root.querySelector(`[data-view="${name}"]`);
    views.get(name)?.finalize();
    views.delete(name);
    place.replaceChildren();
    place.closest("figure").hidden = !rows && name !== "overlap"; // there another measure can be chosen
    if (rows) {
      const spec = { ...specs[name], datasets, height, width: place.clientWidth };
      views.set(name, await (await vega())(place, spec, { actions: false, renderer: "svg" }));
      const image = place.querySelector("svg");
      image.setAttribute("role", "img");
      image.setAttribute("aria-label", place.getAttribute("aria-label"));
      const title = document.createElementNS(image.namespaceURI, "title");
      title.textContent = place.getAttribute("aria-label");
      image.prepend(title);
    }
    place.nextElementSibling.hidden = !rows; // its downloads
  };

  const forestRows = (chosen, result, arm) => {
    const rows = chosen.map(({ id, forest, cells: [tp, fp, fn, tn] }) => ({
      label: byId.get(id).label,
      kind: "study",
      n: arm ? fp + tn : tp + fn,
      ...Object.fromEntries(["estimate", "lower", "upper"].map((key, i) => [key, forest[arm][i]])),
    }));
    if (result.forest) {
      const [estimate, lower, upper] = result.forest[arm];
      rows.push({ label: "Pooled", kind: "pooled", n: 0, estimate, lower, upper });
    }
    return rows;
  };
  const points = (line = []) => line.map(([x, y], order) => ({ x, y, order }));

  const summary = (shown, chosen, result) => {
    const parts = [`${shown.length} of ${studies.length} studies.`];
    const several = shown.filter(aside).length;
    if (several) parts.push(`${several} of them ${several === 1 ? "is" : "are"} of several conditions and ${several === 1 ? "names" : "name"} this one.`);
    if (!shown.some(({ says }) => says)) return parts.join(" "); // nothing here has an accuracy
    if (result.sensitivity) {
      const subjects = new Set(chosen.flatMap(({ id }) => byId.get(id).topic ?? [])).size;
      parts.push(`${result.k} with a usable 2×2 table${subjects > 1 ? `, of ${subjects} conditions or subjects,` : ""} pool to a sensitivity of ${result.sensitivity} and a specificity of ${result.specificity}.`);
    } else {
      const printing = shown.filter((study) => [study.sensitivity, study.specificity].some((text) => text && !text.endsWith("(computed)"))).length;
      parts.push(`No pooled estimate: ${result.reason}. ${printing} print a sensitivity or specificity${select("topic")?.value ? "" : ": see the table of studies below"}.`);
    }
    return parts.join(" ");
  };

  // What each study found, where one condition or one structure is chosen.
  const answer = () => {
    const place = root.querySelector(".lr-explore-answers");
    const [topic, structure] = ["topic", "structure"].map((name) => select(name)?.value);
    const told = state.shown.map((study) => [study, structure ? study.outlines[structure] : topic && (study.also[topic] ?? study.says)]);
    const items = told.filter(([, text]) => text).map(([{ id, label }, text]) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      link.href = `../studies/${id}.html`;
      link.textContent = label;
      item.append(link, `: ${text}`);
      return item;
    });
    const silent = told.length - items.length;
    if (items.length && silent) {
      const item = document.createElement("li");
      item.textContent = `Of ${silent} more no ${structure ? "value" : "accuracy"} was seen.`;
      items.push(item);
    }
    place.replaceChildren(...items);
    place.hidden = !items.length;
  };

  let state;
  const update = orStandIn(async () => {
    const shown = studies.filter(passes);
    const bits = shown.filter((study) => !aside(study)).reduce((sum, study) => sum + BigInt(study.bit), 0n);
    const chosen = tables.filter(({ id }) => bits & BigInt(byId.get(id).bit));
    const result = pooled[bits.toString()];
    const metric = select("metric").value;
    const ids = new Set(shown.map((study) => study.id));
    const values = overlap
      .filter((row) => row.metric === metric && ids.has(row.study))
      .filter(({ group }) => !select("structure")?.value || group === select("structure").value)
      .map((row) => ({ ...row, label: byId.get(row.study).label }))
      .map((row) => ({ ...row, place: select("structure")?.value ? row.label : `${row.label}, ${row.group}` }));
    state = { shown, chosen, result, values };
    root.querySelector(".lr-explore-said").textContent = summary(shown, chosen, result);
    root.querySelector(".lr-explore-unknown").hidden = Boolean(result.sensitivity) || !shown.some(({ says }) => says);
    refuse();
    answer();
    root.querySelector(".lr-explore-none").hidden = values.length > 0;
    for (const row of document.querySelectorAll("#tab-explore tbody tr")) {
      const id = row.querySelector("a")?.getAttribute("href").match(/studies\/(\w+)\.html/)?.[1];
      row.classList.toggle("lr-left-out", !ids.has(id));
    }
    document.querySelector("#tab-explore table")?.dispatchEvent(new Event("lr-left-out")); // to count its rows again
    if (seen) await drawAll();
  });
  const drawAll = orStandIn(async () => {
    await vega();
    standIn(false);
    const { chosen, result, values } = state;
    const plane = chosen.map(({ id, forest, cells }) => ({
      label: byId.get(id).label,
      x: 1 - forest[1][0],
      y: forest[0][0],
      n: cells.reduce((a, b) => a + b, 0),
    }));
    for (const [arm, name] of ["sensitivity", "specificity"].entries()) {
      const rows = forestRows(chosen, result, arm);
      await draw(name, { rows }, rows.length);
    }
    await draw("plane", {
      studies: plane,
      point: result.point ? [{ x: result.point[0], y: result.point[1] }] : [],
      confidence: points(result.confidence),
      prediction: points(result.prediction),
      curve: points(result.curve),
    }, plane.length, specs.plane.height);
    await draw("overlap", { values }, new Set(values.map((row) => row.place)).size);
  });

  // --- Downloads. ---------------------------------------------------------------------------------------------------

  const save = (name, blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const cell = (value) => {
    // A spreadsheet runs a text that begins like a formula; an apostrophe keeps it a text.
    const text = Array.isArray(value) ? value.join("; ") : String(value ?? "");
    const tame = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame;
  };
  const csv = () => {
    const columns = ["id", "label", "title", "doi", "year", "standing", "sensitivity", "specificity", "tested", "grade", ...facets.map((facet) => facet.name)];
    const byStudy = new Map(state.chosen.map((table) => [table.id, table.cells]));
    const rows = state.shown.map((study) => [...columns.map((name) => study[name]), ...(byStudy.get(study.id) ?? ["", "", "", ""])]);
    const head = [...columns, "tp", "fp", "fn", "tn"];
    return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  };
  const svg = async (name) => {
    const style = getComputedStyle(document.documentElement);
    const text = await views.get(name).view.toSVG();
    return text.replace(/var\((--lr-[\w-]+)\)/g, (_, variable) => style.getPropertyValue(variable).trim());
  };
  const png = async (name) => {
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([await svg(name)], { type: "image/svg+xml" }));
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * image.width, 2 * image.height];
    const context = canvas.getContext("2d");
    context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--lr-paper");
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    URL.revokeObjectURL(image.src);
    return new Promise((resolve) => canvas.toBlob(resolve));
  };

  root.addEventListener("click", async ({ target }) => {
    const { save: kind, of: name } = target.dataset;
    if (kind === "csv") save("studies.csv", new Blob([csv()], { type: "text/csv" }));
    if (kind === "svg") save(`${name}.svg`, new Blob([await svg(name)], { type: "image/svg+xml" }));
    if (kind === "png") save(`${name}.png`, await png(name));
  });
  root.addEventListener("change", (event) => {
    if (event.target.matches("select")) {
      refused = [];
      writeAddress();
      update();
    }
  });
  form.addEventListener("reset", () => setTimeout(() => ((refused = []), writeAddress(), update())));
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("popstate", () => (readAddress(), update()));

  root.classList.add("lr-explore-on");
  standIn(false);
  readAddress();
  update();
  // Draws when first seen, and again when the page's width changes.
  let width;
  new IntersectionObserver((entries, observer) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    seen = true;
    new ResizeObserver(([entry]) => {
      if (entry.contentRect.width !== width) drawAll();
      width = entry.contentRect.width;
    }).observe(root);
  }).observe(root.querySelector(".lr-explore-views"));
})();
