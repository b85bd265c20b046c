/* The live stream: server-sent events resumed by index, polling when no stream is to be had; nothing is shown twice or skipped. */
import { say } from "./say.js";

const KEPT = 300, WIDE = "(min-width: 1101px)", TICKS = 60, POLL = 3000, AGAIN = 60000, OUTAGE = 3000, BURST = 500, LINGER = 250;

export function stream(root) {
  const table = root.querySelector("[data-stream]");
  if (!table || "over" in table.dataset) return;
  const words = JSON.parse(table.dataset.words);
  const body = table.tBodies[0];
  const pick = (name) => root.querySelector(`[data-${name}]`);
  const state = pick("stream-state"), told = pick("stream-words"), pause = pick("stream-pause");
  const fresh = pick("new"), ticks = pick("ticks");
  const form = pick("line").content, risks = pick("risks").content;
  let last = Number(table.dataset.head), first = last, paused = false, waiting = [], seen = [], shown = 0, missing = 0;
  let source = null, timer = null, lostAt = 0, openedAt = 0, mended = null, unsaid = 0, looked = null;

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const count = (number) => number.toLocaleString("en-US");
  const connection = (tone, text) => { state.className = `live ${tone}`; told.textContent = text; };

  function row(item) {
    const line = form.cloneNode(true).querySelector("tr");
    line.dataset.index = item.leaf_index;
    if (item.risk === "block") line.classList.add("bad");
    if (item.risk === "hold") line.classList.add("hold");
    for (const cell of line.querySelectorAll("[data-f]")) cell.textContent = item[cell.dataset.f] ?? "";
    line.querySelector('[data-f="leaf_index"]').textContent = count(item.leaf_index);
    const link = line.querySelector("[data-open]");
    link.href = item.href;
    link.textContent = item.unit || item.number;
    if (item.aside) link.setAttribute("hx-get", item.href); else link.removeAttribute("hx-get");
    const risk = risks.querySelector(`[data-risk="${item.risk}"]`);
    if (risk) line.querySelector("[data-risk-here]").append(risk.firstElementChild.cloneNode(true));
    return line;
  }

  function put(items) {
    if (!items.length) return;
    pick("none")?.remove();
    for (const item of items) {
      const line = row(item);
      body.prepend(line);
      window.htmx?.process(line);
    }
    choose();
    while (body.rows.length > KEPT) body.lastElementChild.remove();
    table.closest(".scrollx").hidden = false;
  }

  /* Beside a wide list the detail is never empty: it shows the newest line until the reader chooses, then follows the keyboard. */
  function choose() {
    const link = body.querySelector("a[hx-get]");
    if (!looked && link) look(link);
  }

  function look(link) {
    if (link === looked || !window.htmx || !window.matchMedia(WIDE).matches) return;
    mark(link.closest("tr"));
    window.htmx.ajax("GET", link.getAttribute("hx-get"), { source: link, target: "#detail" });
  }

  function mark(line) {
    looked = line.querySelector("a[hx-get]");
    body.querySelector(".on")?.classList.remove("on");
    line.classList.add("on");
  }

  function note(from, to) {
    const line = document.createElement("tr");
    const cell = line.appendChild(document.createElement("td"));
    line.className = "gap";
    cell.colSpan = 10;
    cell.textContent = fill(words.mended, { a: count(from), n: to });
    body.prepend(line);
  }

  function pill() {
    fresh.hidden = !waiting.length;
    fresh.querySelector("button > span").textContent = fill(words.fresh, { n: waiting.length });
  }

  function draw() {
    ticks.hidden = !seen.length;
    const drawn = pick("ticks-drawn");
    drawn.replaceChildren(...seen.slice(-TICKS).map((kind, place) => {
      const tick = document.createElementNS("http://www.w3.org/2000/svg", "path");
      tick.setAttribute("class", kind);
      tick.setAttribute("d", `M${place * 4 + 2} 14v-${kind === "h" ? 6 : 13}`);
      return tick;
    }));
    const all = last - first;
    pick("ticks-range").textContent = `${count(first + 1)} → ${count(last)}`;
    pick("ticks-words").textContent = fill(words.range, { a: count(all), b: count(shown), c: count(all - shown), d: missing });
    const whole = pick("ticks-state");
    whole.className = missing ? "st bad" : "st ok";
    whole.querySelector("span").textContent = missing ? words.gap : words.whole;
  }

  function step(to, kind) {
    for (let index = Math.max(last + 1, to - TICKS); index < to; index += 1) seen.push("h");
    seen.push(kind);
    seen = seen.slice(-TICKS);
    last = to;
  }

  /* An answer that begins after what we have would leave a hole: ask for what lies between instead. */
  function accept(answer) {
    if (answer.after > last) { missing = answer.after - last; draw(); poll(); return; }
    missing = 0;
    const items = answer.items.filter((item) => item.leaf_index > last);
    const late = mended && performance.now() - openedAt < BURST;
    for (const item of items) {
      step(item.leaf_index, late ? "r" : "a");
      shown += 1;
      if (late) mended.items += 1;
    }
    if (answer.head > last) step(answer.head, "h");
    if (paused || window.scrollY > 200) { waiting.push(...items); pill(); } else put(items);
    unsaid += items.length;
    draw();
  }

  async function poll() {
    try {
      const answer = await fetch(join(table.dataset.since, last), { headers: { Accept: "application/json" } });
      if (answer.status === 200) accept(await answer.json());
      if (answer.redirected || answer.status === 401 || answer.status === 403) { window.location.reload(); return; }
      if (timer) connection("", words.poll);
    } catch { connection("warn", words.off); }
  }

  const join = (address, after) => `${address}${address.includes("?") ? "&" : "?"}after=${after}`;

  function startPolling() {
    source?.close();
    source = null;
    if (timer) return;
    connection("", words.poll);
    timer = setInterval(poll, POLL);
    poll();
    setTimeout(() => { clearInterval(timer); timer = null; connect(); }, AGAIN);
  }

  function connect() {
    if (!("EventSource" in window)) { startPolling(); return; }
    source = new EventSource(join(table.dataset.events, last));
    source.onopen = () => {
      openedAt = performance.now();
      mended = lostAt && openedAt - lostAt > OUTAGE ? { from: last, items: 0 } : null;
      lostAt = 0;
      if (!paused) connection("ok", words.on);
      if (mended) setTimeout(() => { if (mended?.items) note(mended.from + 1, mended.items); mended = null; }, BURST);
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) { startPolling(); return; }
      lostAt ||= performance.now();
      setTimeout(() => { if (lostAt && performance.now() - lostAt >= OUTAGE) connection("warn", words.off); }, OUTAGE);
    };
    source.addEventListener("entry", (event) => {
      const item = JSON.parse(event.data);
      accept({ after: item.after, head: item.leaf_index, items: [item] });
      if (!paused && !mended) connection("ok", `${words.on} ${fill(words.lag, { s: item.lag })}`);
    });
    source.addEventListener("head", (event) => accept({ ...JSON.parse(event.data), items: [] }));
  }

  function flush() {
    put(waiting);
    waiting = [];
    pill();
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.querySelector("span").textContent = paused ? words.go : words.pause;
    pick("new-since").textContent = paused ? fill(words.since, { t: new Date().toTimeString().slice(0, 8) }) : "";
    connection(paused ? "warn" : "ok", paused ? words.paused : words.on);
    if (!paused) flush();
  });
  pick("new-show").addEventListener("click", () => { flush(); window.scrollTo({ top: 0 }); });
  setInterval(() => { if (unsaid && !paused) { say(fill(words.said, { n: unsaid })); unsaid = 0; } }, 5000);
  window.addEventListener("pagehide", () => source?.close());
  body.addEventListener("click", (event) => {
    const line = event.target.closest("tr");
    if (line) mark(line);
  });
  body.addEventListener("focusin", (event) => {
    const link = event.target.closest("a[hx-get]");
    setTimeout(() => { if (link && link === document.activeElement) look(link); }, LINGER);
  });
  choose();
  connect();
}

stream(document);
