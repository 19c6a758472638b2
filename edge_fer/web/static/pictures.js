"use strict";
// Sends pictures that somebody chooses, one after the other, and draws what was found over the copy that the browser has.
(() => {
  const own = document.getElementById("own");
  if (!own) return;
  const t = JSON.parse(own.dataset.texts);
  const most = Number(own.dataset.most);
  const largest = Number(own.dataset.largest);
  const files = document.getElementById("own-files");
  const drop = document.getElementById("drop");
  const status = document.getElementById("own-status");
  const found = document.getElementById("own-found");
  const camera = document.getElementById("own-camera");
  //: Pixels of a drawing's longer side, so that many large pictures do not fill the memory of a phone.
  const LONGEST = 1280;
  let under_way = false;

  const make = (name, text, parent, kind) => {
    const element = document.createElement(name);
    if (text) element.textContent = text;
    if (kind) element.className = kind;
    parent.append(element);
    return element;
  };
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const percent = share => `${Math.round(100 * share)} %`;
  const label = name => t[`label_${name}`] || name;

  async function read(chosen) {
    if (under_way || !chosen.length) return;
    under_way = true;
    files.disabled = true;
    found.replaceChildren();
    const taken = chosen.slice(0, most);
    for (const [index, file] of taken.entries()) {
      status.textContent = fill(t.own_reading, { number: index + 1, of: taken.length });
      const card = make("section", "", found, "card own");
      make("h2", file.name, card);
      try {
        await one(file, card);
      } catch {
        problem(card, t.own_problem_gone);
      }
    }
    const left = chosen.length - taken.length;
    status.textContent = left ? fill(t.own_left_out, { left, most }) : t.own_done;
    files.value = "";
    files.disabled = false;
    under_way = false;
  }

  const problem = (card, words) => make("p", words, card, "problem");

  async function one(file, card) {
    if (file.size > largest) {
      problem(card, fill(t.own_problem_large, { megabytes: Math.floor(largest / 1048576) }));
      return;
    }
    const query = camera ? `?camera=${encodeURIComponent(camera.value)}` : "";
    const answer = await fetch(`/pictures/read${query}`, {
      method: "POST", body: file, headers: { "content-type": "application/octet-stream", "x-csrf": own.dataset.csrf },
    });
    if (!answer.headers.get("content-type")?.startsWith("application/json")) {
      // what all pages say: not logged in any more, switched off, edge-fer does not run
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const [said, title] = [page.querySelector("[role=alert]"), page.querySelector("h1")];
      problem(card, said?.textContent || title?.textContent || t.own_problem_gone);
      return;
    }
    const told = await answer.json();
    if (told.problem) {
      problem(card, t[`own_problem_${told.problem}`] || t.own_problem_died);
    } else if (told.error) {
      problem(card, `${t.own_refused} ${told.error}. ${told.remedy}`);
    } else {
      await show(file, told, card);
    }
  }

  async function show(file, told, card) {
    const [across, down] = told.size;
    let picture = null;
    try {
      picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch {
      make("p", t.own_not_shown, card);
    }
    // a browser that turns it otherwise would have boxes in the wrong places
    if (picture && (picture.width !== across || picture.height !== down)) {
      picture.close();
      picture = null;
      make("p", t.own_other_size, card);
    }
    draw(picture, told, card);
    picture?.close();
    const words = told.faces.length ? fill(t.own_faces, { count: told.faces.length }) : t.own_no_face;
    make("p", `${across} × ${down} px. ${words}`, card);
    for (const note of told.notes) make("p", note, card, "soft");
    const list = make("ol", "", card);
    for (const face of told.faces) describe(face, told, list);
    const smallest = Math.round(told.min_size);
    make("p", fill(t.own_smaller, { needed: smallest }), card, "soft");
  }

  function draw(picture, told, card) {
    const [across, down] = told.size;
    const scale = Math.min(1, LONGEST / Math.max(across, down));
    const canvas = make("canvas", "", card);
    [canvas.width, canvas.height] = [Math.max(1, Math.round(across * scale)), Math.max(1, Math.round(down * scale))];
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${t.own_drawing}: ${told.faces.map(short).join("; ") || t.own_no_face}`);
    const pen = canvas.getContext("2d");
    if (picture) pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const thick = Math.max(2, canvas.width / 300);
    const letters = Math.max(12, Math.round(canvas.width / 45));
    pen.font = `600 ${letters}px system-ui, sans-serif`;
    pen.lineJoin = "round";
    told.faces.forEach((face, index) => {
      const [x, y, width, height] = face.box.map(side => side * scale);
      const words = short(face, index);
      const colour = face.faults.length ? "#f2c14e" : face.doubt ? "#ffffff" : "#6fd8b4";
      for (const [style, line] of [["#000", 2 * thick], [colour, thick]]) {
        pen.strokeStyle = style;
        pen.lineWidth = line;
        pen.strokeRect(x, y, width, height);
      }
      const left = Math.max(2, Math.min(x, canvas.width - pen.measureText(words).width - 4));
      const base = y > letters * 1.4 ? y - letters * 0.4 : Math.min(canvas.height - 4, y + height + letters * 1.1);
      pen.lineWidth = letters / 4;
      pen.strokeStyle = "#000";
      pen.strokeText(words, left, base);
      pen.fillStyle = colour;
      pen.fillText(words, left, base);
    });
  }

  function short(face, index) {
    const said = face.faults.length ? t.own_unread : face.doubt ? t.own_unsure
      : `${label(face.label)} ${percent(face.confidence)}`;
    return `${index + 1}: ${said}`;
  }

  function describe(face, told, list) {
    const item = make("li", "", list);
    const parts = [];
    if (face.faults.length) {
      parts.push(`${t.own_unread}: ${face.faults.map(fault => t[`fault_${fault}`] || fault).join(", ")}`);
    } else if (face.doubt) {
      parts.push(`${t.own_unsure} (${t[`doubt_${face.doubt}`] || face.doubt})`);
    } else {
      make("span", label(face.label), item, `mood ${face.label}`);
      parts.push(`${t.own_sure} ${percent(face.confidence)}`);
    }
    const scores = Object.entries(face.scores).sort(([, a], [, b]) => b - a).slice(0, 3);
    if (scores.length) parts.push(scores.map(([name, score]) => `${label(name)} ${percent(score)}`).join(", "));
    parts.push(`${t.own_quality} ${percent(face.quality)}`);
    const pixels = Math.round(Math.min(face.box[2], face.box[3]));
    const needed = Math.round(told.min_size);
    const large = !face.faults.includes("too_small");
    parts.push(`${pixels} ${fill(large ? t.face_fine : t.face_small, { needed })}`);
    for (const [name, known] of Object.entries(face.attributes || {})) {
      parts.push(`${name} ${known.value}${known.confidence === null ? "" : ` ${percent(known.confidence)}`}`);
    }
    item.append(` ${parts.join(" · ")}`);
  }

  files.addEventListener("change", () => read([...files.files]));
  // a picture that misses the frame must not take the place of the page
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, event => event.preventDefault());
  drop.addEventListener("dragover", () => drop.classList.add("over"));
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  drop.addEventListener("drop", event => read([...event.dataTransfer.files]));
  own.hidden = false;
})();
