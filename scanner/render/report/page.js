"use strict";
/* The list of files: unpacked here, filtered, sorted, a page of rows at a time. Text goes into the page by textContent alone. */
(async () => {
  const byId = (id) => document.getElementById(id);
  const config = JSON.parse(byId("config").textContent);
  const PAGE = 25;
  const WAIT = 120; // milliseconds of quiet before a search begins

  const say = (key, values = {}) =>
    config.say[key].replace(/\{(\w+)\}/g, (all, name) => (name in values ? shown(values[name]) : all));
  const shown = (value) => (typeof value === "number" ? value.toLocaleString("en-US") : String(value));
  const date = (day) => new Date(day * 864e5).toISOString().slice(0, 10);

  function make(tag, text, attributes = {}) {
    const node = document.createElement(tag);
    if (text !== null && text !== undefined) node.textContent = text;
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  }

  /* A path may break after each of its slashes. */
  function path(text, tag = "span") {
    const node = make(tag);
    for (const piece of text.split(/(?<=[/!])/)) node.append(piece, document.createElement("wbr"));
    return node;
  }

  async function lines(id) {
    const text = atob(byId(id).textContent);
    const bytes = new Uint8Array(text.length);
    for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    const whole = await new Response(stream).text();
    return whole.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  // ------------------------------------------------------------------ the rows

  const KINDS = ["folder", "department", "store", "owner", "kinds", "reasons", "copies", "task"];
  const COLUMNS = ["folder", "name", "member", "severity", "department", "store", "owner", "exposure", "persons", "kinds", "reasons",
    "since", "older", "copies", "unread", "task"];
  const names = Object.fromEntries(KINDS.map((kind) => [kind, []]));
  const columns = Object.fromEntries(COLUMNS.map((column) => [column, []]));

  if (typeof DecompressionStream === "undefined") {
    byId("files").append(make("p", say("old_browser"), { class: "box" }));
    return;
  }
  for (const [fresh, told] of await lines("rows")) {
    KINDS.forEach((kind, at) => { for (const name of fresh[at]) names[kind].push(name); });
    COLUMNS.forEach((column, at) => { for (const value of told[at]) columns[column].push(value); });
  }
  const count = columns.name.length;
  const places = columns.name.map((name, at) => {
    const member = columns.member[at];
    return names.folder[columns.folder[at]] + name + (member === 0 ? "" : "!" + member);
  });
  const searched = places.map((place) => place.toLowerCase());

  // ------------------------------------------------------------------ filters

  const chosen = { department: byId("department"), store: byId("store"), kind: byId("kind"), severity: byId("severity"),
    exposure: byId("exposure"), age: byId("age") };
  const find = byId("find");

  const option = (value, text) => make("option", text, { value });
  const inOrder = (pairs) => pairs.sort((one, other) => one[1].localeCompare(other[1], config.lang));

  function offer() {
    const used = (column) => [...new Set(columns[column])];
    const department = (at) => names.department[at] ?? say("department_none");
    if (chosen.department) {
      chosen.department.append(option("", say("all")), ...inOrder(used("department").map((at) => [at, department(at)])).map((p) => option(...p)));
    }
    const copied = [...new Set(names.copies.flatMap((copies) => copies.map(([store]) => store)))];
    const lain = used("store").filter((at) => names.store[at] !== null);
    chosen.store.append(option("", say("all")), option("none", say("not_copy")));
    const group = make("optgroup", null, { label: say("col_copy") });
    group.append(...inOrder(copied.map((at) => [`copy-${at}`, names.store[at]])).map((pair) => option(...pair)));
    chosen.store.append(group);
    chosen.store.append(...inOrder(lain.map((at) => [`in-${at}`, say("lies_in", { store: names.store[at] })])).map((p) => option(...p)));
    const kinds = [...new Set(names.kinds.flat())];
    chosen.kind.append(option("", say("all")), ...inOrder(kinds.map((kind) => [kind, entity(kind)])).map((pair) => option(...pair)));
    chosen.severity.append(option("", say("all")), ...used("severity").sort((a, b) => a - b).map((at) => option(at, config.severities[at][1])));
    chosen.exposure.append(option("", say("all")), ...used("exposure").sort((a, b) => b - a).map((at) => option(at, config.exposures[at])));
  }

  const entity = (kind) => config.entities[kind] ?? kind;

  function matching() {
    const text = find.value.trim().toLowerCase();
    const tests = [];
    if (text) tests.push((at) => searched[at].includes(text));
    const equal = (column, select) => {
      if (select && select.value !== "") {
        const wanted = Number(select.value);
        tests.push((at) => columns[column][at] === wanted);
      }
    };
    equal("department", chosen.department);
    equal("severity", chosen.severity);
    equal("exposure", chosen.exposure);
    if (chosen.store.value === "none") tests.push((at) => names.copies[columns.copies[at]].length === 0);
    else if (chosen.store.value !== "") {
      const [how, number] = chosen.store.value.split("-");
      const wanted = Number(number);
      if (how === "in") tests.push((at) => columns.store[at] === wanted);
      else {
        const those = new Set(names.copies.flatMap((copies, at) => (copies.some(([store]) => store === wanted) ? [at] : [])));
        tests.push((at) => those.has(columns.copies[at]));
      }
    }
    if (chosen.kind.value !== "") {
      const those = new Set(names.kinds.flatMap((kinds, at) => (kinds.includes(chosen.kind.value) ? [at] : [])));
      tests.push((at) => those.has(columns.kinds[at]));
    }
    if (chosen.age.value !== "") {
      const [way, days] = chosen.age.value.split("-");
      const since = config.today - Number(days);
      tests.push(way === "new" ? (at) => columns.since[at] >= since : (at) => columns.since[at] < since);
    }
    const found = [];
    for (let at = 0; at < count; at += 1) if (tests.every((test) => test(at))) found.push(at);
    return found;
  }

  // ------------------------------------------------------------------ order

  const number = (column) => (at) => columns[column][at];
  const rank = (kind, name) => { // position of each name among its like, so that rows are compared as numbers
    const order = names[kind].map((_, at) => at).sort((one, other) => name(names[kind][one]).localeCompare(name(names[kind][other]), config.lang));
    const ranks = [];
    order.forEach((at, position) => { ranks[at] = position; });
    return ranks;
  };
  let ranked = null;
  const orders = {
    severity: number("severity"),
    file: null,
    department: (at) => ranked.department[columns.department[at]],
    persons: (at) => -columns.persons[at],
    kind: (at) => ranked.kinds[columns.kinds[at]],
    exposure: (at) => -columns.exposure[at],
    since: number("since"),
    copy: (at) => -names.copies[columns.copies[at]].reduce((most, copy) => Math.max(most, copy[1] + 1), 0),
  };
  let sorted = { by: "severity", turned: false };

  function order(rows) {
    ranked ??= {
      department: rank("department", (name) => name ?? "\uffff"),
      kinds: rank("kinds", (kinds) => kinds.map(entity).join()),
    };
    const key = orders[sorted.by];
    const turn = sorted.turned ? -1 : 1;
    const byPlace = (one, other) => (places[one] < places[other] ? -1 : places[one] > places[other] ? 1 : one - other);
    if (key === null) return rows.sort((one, other) => turn * byPlace(one, other));
    const keys = new Float64Array(count);
    for (const at of rows) keys[at] = key(at);
    return rows.sort((one, other) =>
      turn * (keys[one] - keys[other]) || columns.severity[one] - columns.severity[other]
      || columns.persons[other] - columns.persons[one] || one - other);
  }

  // ------------------------------------------------------------------ the table

  const list = byId("list");
  const open = new Set();
  let rows = [];
  let page = 0;
  let details = null;

  function cell(at, column, ...content) {
    const node = make("td", null, { "data-label": config.heads[column] });
    node.append(...content);
    return node;
  }

  function row(at) {
    const line = make("tr");
    const [word, level] = config.severities[columns.severity[at]];
    const button = make("button", open.has(at) ? "−" : "+", {
      type: "button", class: "more", "aria-expanded": String(open.has(at)), "aria-label": say("details", { name: places[at] }), "data-at": at,
    });
    const more = make("td", null, { class: "more-cell" });
    more.append(button);
    const file = make("div");
    file.append(path(names.folder[columns.folder[at]] + columns.name[at], "b"));
    if (columns.member[at] !== 0) file.append(path(say("member", { name: columns.member[at] }), "div"));
    if (columns.unread[at]) file.append(make("div", say("unread_mark"), { class: "late" }));
    const task = names.task[columns.task[at]];
    if (task) file.append(...decided(task));
    const copies = names.copies[columns.copies[at]].map(([store, matched, records]) =>
      make("div", say(matched ? "copy_of" : "copy_of_text", { store: names.store[store], matched, records })));
    line.append(
      more,
      cell(at, 0, make("span", level, { class: `chip chip-${word}` })),
      cell(at, 1, file),
      cell(at, 2, names.department[columns.department[at]] ?? say("department_none")),
      cell(at, 3, shown(columns.persons[at])),
      cell(at, 4, names.kinds[columns.kinds[at]].map(entity).join(config.and)),
      cell(at, 5, config.exposures[columns.exposure[at]]),
      cell(at, 6, date(columns.since[at])),
      cell(at, 7, ...(copies.length ? copies : ["–"])),
    );
    line.children[4].className = "number";
    line.children[7].className = "date";
    return line;
  }

  function decided([name, due, overdue, recurred]) {
    const told = [];
    if (recurred) told.push(make("div", say("recurred"), { class: "late" }));
    if (name) {
      const key = due === null ? "assigned" : overdue ? "assigned_late" : "assigned_due";
      told.push(make("div", say(key, { name, date: due === null ? "" : date(due) }), { class: overdue ? "due late" : "due" }));
    }
    return told;
  }

  async function detail(at) {
    const line = make("tr", null, { class: "detail" });
    const whole = make("td", null, { colspan: "9" });
    line.append(whole);
    details ??= (await lines("details")).flat();
    const told = make("p");
    const facts = [`${say("col_why")}: ${names.reasons[columns.reasons[at]].map((why) => config.why[why] ?? why).join(config.and)}`];
    if (names.owner[columns.owner[at]] !== null) facts.push(`${say("owner")}: ${names.owner[columns.owner[at]]}`);
    if (names.store[columns.store[at]] !== null) facts.push(say("lies_in", { store: names.store[columns.store[at]] }));
    told.textContent = facts.join(" · ");
    whole.append(told);
    if (at >= details.length) {
      whole.append(make("p", say("details_left"), { class: "late" }));
      return line;
    }
    const table = make("table");
    const head = make("tr");
    head.append(...config.details.map((name) => make("th", name, { scope: "col" })));
    const body = make("tbody");
    for (const [kind, place, column, hits, distinct, first, isRow, masks, since] of details[at]) {
      const one = make("tr");
      const at_ = first ? say(isRow ? "first_row" : "first_line", { line: first }) : "";
      one.append(...[entity(kind), place || "", column || "", shown(hits), shown(distinct), at_].map((text) => make("td", text)));
      const samples = make("td");
      samples.append(...masks.map((mask) => make("code", mask)).flatMap((code, number_) => (number_ ? [" ", code] : [code])));
      one.append(samples, make("td", date(since), { class: "date" }));
      body.append(one);
    }
    const top = make("thead");
    top.append(head);
    table.append(top, body);
    const wide = make("div", null, { class: "scroll", tabindex: "0", role: "region", "aria-label": say("details", { name: places[at] }) });
    wide.append(table);
    whole.append(wide);
    return line;
  }

  async function show(focus) {
    const pages = Math.max(1, Math.ceil(rows.length / PAGE));
    page = Math.min(page, pages - 1);
    const some = rows.slice(page * PAGE, (page + 1) * PAGE);
    const built = [];
    for (const at of some) {
      built.push(row(at));
      if (open.has(at)) built.push(await detail(at));
    }
    if (some.length === 0) {
      const none = make("tr");
      none.append(make("td", say("none_match"), { colspan: "9" }));
      built.push(none);
    }
    list.replaceChildren(...built);
    byId("matching").textContent = say("matching", { shown: rows.length, count });
    byId("paging").textContent = say("of_page", { page: page + 1, pages });
    byId("previous").disabled = page === 0;
    byId("next").disabled = page >= pages - 1;
    for (const button of document.querySelectorAll("button.sort")) {
      const mine = button.dataset.sort === sorted.by;
      const head = button.closest("th");
      if (mine) head.setAttribute("aria-sort", sorted.turned ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    if (focus !== undefined) list.querySelector(`button[data-at="${focus}"]`)?.focus();
  }

  function again() {
    rows = order(matching());
    page = 0;
    return show();
  }

  let waiting = 0;
  find.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(again, WAIT); });
  for (const select of Object.values(chosen)) select?.addEventListener("change", again);
  byId("reset").addEventListener("click", () => {
    find.value = "";
    for (const select of Object.values(chosen)) if (select) select.value = "";
    again();
  });
  for (const button of document.querySelectorAll("button.sort")) {
    button.addEventListener("click", () => {
      sorted = { by: button.dataset.sort, turned: sorted.by === button.dataset.sort && !sorted.turned };
      again();
    });
  }
  const turn = (by) => { page += by; show().then(() => byId("files-title").scrollIntoView()); };
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button.more");
    if (button === null) return;
    const at = Number(button.dataset.at);
    if (!open.delete(at)) open.add(at);
    show(at);
  });
  for (const link of document.querySelectorAll("a[data-find]")) {
    link.addEventListener("click", () => {
      for (const select of Object.values(chosen)) if (select) select.value = "";
      find.value = link.dataset.find;
      again();
    });
  }

  offer();
  byId("browser").hidden = false;
  await again();
  document.documentElement.dataset.ready = "yes";
})();
