"use strict";
// The live view and the zones on it. The corners in the forms are what counts: drawing changes them, and follows them.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const aim = document.getElementById("aim");
  const overlay = document.getElementById("overlay");
  const picture = document.getElementById("picture");
  const t = JSON.parse(aim.dataset.texts);
  const mayDraw = aim.dataset.draw === "yes";
  const WIDTH = 1000;
  let height = 562.5;
  let frame = null;
  let needs = null;

  const make = (name, attributes, parent = overlay) => {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    parent.append(element);
    return element;
  };
  const layer = () => make("g", {});
  const [grid, faces, zones] = [layer(), layer(), layer()];

  function resize(across, down) {
    const wanted = WIDTH * down / across;
    if (Math.abs(wanted - height) < 0.01 && grid.childElementCount) return;
    height = wanted;
    overlay.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
    overlay.parentElement.style.aspectRatio = `${across} / ${down}`;
    grid.replaceChildren();
    for (let i = 1; i < 10; i++) {
      make("line", { class: "grid", x1: i * WIDTH / 10, x2: i * WIDTH / 10, y1: 0, y2: height }, grid);
      make("line", { class: "grid", x1: 0, x2: WIDTH, y1: i * height / 10, y2: i * height / 10 }, grid);
    }
    drawZones();
  }

  // zones

  const forms = () => [...document.querySelectorAll("#zones form[data-zone]")];
  const isOpen = form => form.closest("details").open;
  const cornersOf = form => {
    const numbers = (form.elements.corners.value.match(/-?\d+(\.\d+)?/g) || []).map(Number);
    return Array.from({ length: numbers.length >> 1 }, (_, i) => [numbers[2 * i], numbers[2 * i + 1]]);
  };
  const within = value => Math.min(100, Math.max(0, Math.round(value * 10) / 10));
  const write = (form, corners) => {
    form.elements.corners.value = corners.map(([x, y]) => `${within(x)} ${within(y)}`).join(", ");
  };
  const at = ([x, y]) => [x * WIDTH / 100, y * height / 100];

  function drawZones(focus) {
    const active = document.activeElement;
    const kept = focus || (zones.contains(active) ? active.dataset.handle : null);
    zones.replaceChildren();
    for (const form of forms()) {
      const isNew = form.closest("#new-zone") !== null;
      const corners = cornersOf(form);
      if (corners.length < 3 || (isNew && !isOpen(form))) continue;
      const chosen = isOpen(form);
      const polygon = make("polygon", {
        class: `${form.elements.kind.value}${chosen ? " selected" : ""}`,
        points: corners.map(at).join(" "),
      }, zones);
      polygon.addEventListener("click", () => { form.closest("details").open = true; });
      const [x, y] = at(corners.reduce(([a, b], [c, d]) => c + d < a + b ? [c, d] : [a, b]));
      const label = make("text", { x: x + sizeOf(8), y: y + sizeOf(20), "font-size": sizeOf(14) }, zones);
      label.textContent = form.elements.name.value || form.dataset.zone;
      if (chosen && mayDraw) drawHandles(form, corners);
    }
    if (kept) zones.querySelector(`[data-handle="${CSS.escape(kept)}"]`)?.focus();
  }

  const sizeOf = pixels => pixels * WIDTH / (overlay.clientWidth || WIDTH);

  function drawHandles(form, corners) {
    const name = form.elements.name.value || form.dataset.zone;
    const count = corners.length;
    corners.forEach((corner, index) => {
      const words = `${t.corner} ${index + 1} ${t.of_zone} ${name}: ${corner[0]} ${t.percent_right}, ${corner[1]} ${t.percent_down}`;
      handle("corner", index, corner, words, 13, {
        move: ([dx, dy], from) => write(form, from.map(([x, y], i) => i === index ? [x + dx, y + dy] : [x, y])),
        remove: () => { if (count > 3) write(form, corners.filter((_, i) => i !== index)); },
      }, form);
    });
    corners.forEach(([x, y], index) => {
      const [nx, ny] = corners[(index + 1) % count];
      handle("middle", index, [(x + nx) / 2, (y + ny) / 2], `${t.corner_add} ${t.of_zone} ${name}, ${index + 1}`, 12, {
        begin: () => {
          write(form, [...corners.slice(0, index + 1), [(x + nx) / 2, (y + ny) / 2], ...corners.slice(index + 1)]);
          return index + 1;
        },
      }, form);
    });
    const centre = [0, 1].map(axis => corners.reduce((sum, corner) => sum + corner[axis], 0) / count);
    handle("whole", 0, centre, `${t.zone_whole} ${name}`, 13, {
      move: ([dx, dy], from) => {
        const [xs, ys] = [from.map(c => c[0]), from.map(c => c[1])];
        const right = Math.min(100 - Math.max(...xs), Math.max(-Math.min(...xs), dx));
        const down = Math.min(100 - Math.max(...ys), Math.max(-Math.min(...ys), dy));
        write(form, from.map(([x, y]) => [x + right, y + down]));
      },
    }, form);
  }

  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  function handle(kind, index, where, words, pixels, does, form) {
    const [cx, cy] = at(where);
    const id = `${kind}-${index}`;
    const circle = make("circle", {
      class: `handle ${kind}`, cx, cy, r: sizeOf(pixels), tabindex: 0, role: "button", "aria-label": words,
      "data-handle": id,
    }, zones);
    circle.addEventListener("keydown", event => {
      if (event.key in ARROWS && does.move) {
        const step = event.shiftKey ? 5 : 1;
        does.move(ARROWS[event.key].map(part => part * step), cornersOf(form));
        drawZones(id);
      } else if (event.key === "Delete" && does.remove) {
        does.remove();
        drawZones(id);
      } else if ((event.key === "Enter" || event.key === " ") && does.begin) {
        drawZones(`corner-${does.begin()}`);
      } else {
        return;
      }
      event.preventDefault();
    });
    circle.addEventListener("pointerdown", event => {
      event.preventDefault();
      // the handle is drawn anew with each move; a touch whose target is gone would scroll the page
      overlay.setPointerCapture(event.pointerId);
      let taken = id;
      let move = does.move;
      if (does.begin) {
        const added = does.begin();
        taken = `corner-${added}`;
        move = ([dx, dy], from) => write(form, from.map(([x, y], i) => i === added ? [x + dx, y + dy] : [x, y]));
      }
      const from = cornersOf(form);
      const begun = [event.clientX, event.clientY];
      const box = overlay.getBoundingClientRect();
      drawZones(taken);
      const dragged = moved => {
        move([(moved.clientX - begun[0]) / box.width * 100, (moved.clientY - begun[1]) / box.height * 100], from);
        drawZones(taken);
      };
      const dropped = () => {
        removeEventListener("pointermove", dragged);
        removeEventListener("pointerup", dropped);
        removeEventListener("pointercancel", dropped);
      };
      addEventListener("pointermove", dragged);
      addEventListener("pointerup", dropped);
      addEventListener("pointercancel", dropped);
    });
  }

  function prepareZones() {
    for (const form of document.querySelectorAll("#zones form.zone-form")) {
      form.addEventListener("submit", save);
      if (!form.dataset.zone) continue;
      form.closest("details").addEventListener("toggle", () => drawZones());
      form.addEventListener("input", () => drawZones());
      const add = form.querySelector(".add-corner");
      if (add) {
        add.hidden = false;
        add.addEventListener("click", () => {
          const corners = cornersOf(form);
          if (corners.length < 2) return;
          const [[x, y], [nx, ny]] = [corners[corners.length - 1], corners[0]];
          write(form, [...corners, [(x + nx) / 2, (y + ny) / 2]]);
          drawZones(`corner-${corners.length}`);
        });
      }
    }
    drawZones();
  }

  // saving leaves the picture where it is; without JavaScript, the form is sent as it is
  async function save(event) {
    event.preventDefault();
    const form = event.target;
    const body = new URLSearchParams(new FormData(form, event.submitter));
    let told = "";
    document.getElementById("zone-problem").textContent = "";
    progress(t.zone_saving);
    try {
      const answer = await fetch(form.action, { method: "POST", body });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (answer.ok && page.getElementById("zones")) {
        document.getElementById("zones").replaceWith(page.getElementById("zones"));
        if (!page.getElementById("staff")) document.getElementById("staff")?.closest("section").remove();
        prepareZones();
        untilTheyWatch();
        return;
      }
      told = page.querySelector("[role=alert]")?.textContent || page.querySelector("h1")?.textContent || "";
    } catch {
      told = t.look_end_gone;
    }
    progress("");
    document.getElementById("zone-problem").textContent = told;
  }

  function progress(words) {
    const line = document.getElementById("zone-progress");
    if (line) line.textContent = words;
  }

  // a count of frames that is less than before is that of a camera that has begun anew
  async function untilTheyWatch() {
    progress(t.zone_saving);
    let before = Number(document.getElementById("zones").dataset.frames);
    for (let looks = 0; looks < 60; looks++) {
      await new Promise(done => setTimeout(done, 1000));
      try {
        const page = new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html");
        const frames = Number(page.getElementById("zones")?.dataset.frames || 0);
        if (frames > 0 && (frames < before || before === 0 || looks >= 8)) {
          progress(t.zone_done);
          return;
        }
        before = frames;
      } catch {
        before = 0;
      }
    }
    progress("");
  }

  // the live view

  const look = document.getElementById("look");
  const button = document.getElementById("look-button");
  const status = document.getElementById("look-status");
  const left = document.getElementById("look-left");
  let looking = null;
  let until = 0;
  let shownAt = 0;

  const say = words => { status.textContent = words; };

  async function begin() {
    looking = new AbortController();
    button.textContent = button.dataset.stop;
    let why = "gone";
    try {
      const body = new URLSearchParams(new FormData(look));
      const answer = await fetch(look.action, { method: "POST", body, signal: looking.signal });
      if (!answer.ok || !answer.headers.get("content-type")?.startsWith("application/x-ndjson")) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        end(page.querySelector("[role=alert]")?.textContent || page.querySelector("h1")?.textContent || t.look_end_gone);
        return;
      }
      shownAt = Date.now();
      until = shownAt + 60000;
      say(t.look_on);
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let held = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        const lines = (held + value).split("\n");
        held = lines.pop();
        for (const line of lines) {
          const told = JSON.parse(line);
          if (told.event === "live") show(told.live);
          else if (told.event === "live_end") why = told.live_end;
          else needs = told.needs;
        }
      }
    } catch (error) {
      why = error.name === "AbortError" ? "asked" : "gone";
    }
    end(t[`look_end_${why}`]);
  }

  // a picture that no longer changes must not pass for a live one
  function watch() {
    if (!looking || !shownAt) return;
    left.textContent = `${Math.max(0, Math.ceil((until - Date.now()) / 1000))} ${t.look_seconds}`;
    if (Date.now() - shownAt > 3000 && status.textContent !== t.look_wait) {
      clear();
      say(t.look_wait);
    }
  }

  function clear() {
    frame = null;
    picture.removeAttribute("src");
    picture.hidden = true;
    faces.replaceChildren();
    document.getElementById("facts").hidden = true;
  }

  function end(words) {
    looking = null;
    shownAt = 0;
    button.textContent = button.dataset.begin;
    left.textContent = "";
    clear();
    say(words);
  }

  function show(shown) {
    frame = shown;
    shownAt = Date.now();
    if (status.textContent !== t.look_on) say(t.look_on);
    const [across, down] = frame.size;
    resize(across, down);
    if (frame.picture) {
      picture.src = `data:image/jpeg;base64,${frame.picture}`;
      picture.hidden = false;
    }
    faces.replaceChildren();
    const scale = WIDTH / across;
    frame.faces.forEach((face, index) => {
      const [x, y, width, tall] = face.box.map(side => side * scale);
      make("rect", { class: `face ${face.state}`, x, y, width, height: tall }, faces);
      const label = make("text", { x, y: Math.max(sizeOf(16), y - sizeOf(4)), "font-size": sizeOf(14) }, faces);
      label.textContent = `${index + 1}: ${face.pixels} px`;
    });
    if (needs) {
      const side = needs.pixels * scale;
      make("rect", { class: "needed", x: 6, y: height - side - 6, width: side, height: side }, faces);
      const label = make("text", { x: 14 + side, y: height - sizeOf(8), "font-size": sizeOf(12) }, faces);
      label.textContent = `${t.needed_square}: ${Math.round(needs.pixels)} px`;
    }
    const light = frame.brightness < 40 ? t.light_dark : frame.brightness > 220 ? t.light_bright : t.light_fine;
    const view = frame.view ? `, ${t.view}: ${t[`view_${frame.view}`]}` : "";
    document.getElementById("fact-view").textContent = `${t.light}: ${light}${view}`;
    const list = document.getElementById("fact-faces");
    const items = frame.faces.length ? frame.faces.map(words) : [t.faces_none];
    list.replaceChildren(...items.map(text => Object.assign(document.createElement("li"), { textContent: text })));
    document.getElementById("facts").hidden = false;
  }

  function words(face, index) {
    const needed = Math.round(needs.pixels);
    // boxes of small faces are up to a tenth too small, and are taken for as large
    const large = face.pixels >= 0.9 * needs.pixels;
    const faults = face.faults.map(fault => t[`fault_${fault}`] || fault);
    const seen = t[`seen_${face.state}`] + (faults.length ? `: ${faults.join(", ")}` : "");
    const read = face.state === "read" && face.emotion && !faults.length;
    const verdict = read ? `${t[`label_${face.emotion}`] || face.emotion} ${Math.round(100 * face.confidence)} %` : seen;
    const parts = [`${face.pixels} ${(large ? t.face_fine : t.face_small).replace("{needed}", needed)}`];
    if (face.sharpness !== null && !face.faults.includes("blurred")) {
      parts.push(face.sharpness >= needs.sharpness ? t.face_focus_fine : t.face_focus_poor);
    }
    if (face.brightness !== null && !face.faults.includes("too_dark")) {
      parts.push(face.brightness >= needs.brightness ? t.face_light_fine : t.face_light_poor);
    }
    return `${index + 1}: ${verdict}. ${parts.join(", ")}`;
  }

  if (look) {
    look.hidden = false;
    look.addEventListener("submit", event => {
      event.preventDefault();
      if (looking) looking.abort(); else begin();
    });
  }
  setInterval(watch, 500);
  addEventListener("pagehide", () => looking?.abort());
  addEventListener("resize", () => drawZones());
  resize(16, 9);
  prepareZones();
})();
