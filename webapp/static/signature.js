// 手写签名: strokes on a canvas become a PNG in the form's own field for files. Without this a picture is chosen there instead.
"use strict";

const WIDE = 3; // of a stroke, in CSS pixels
const SHARP = 2; // pixels of the picture for one of the screen's, at most

function pad(field) {
  const box = field.querySelector(".signature-pad"), canvas = box?.querySelector("canvas");
  const input = field.querySelector("input[type=file]");
  if (!canvas || box.dataset.ready) return;
  box.dataset.ready = "yes";
  box.hidden = false;
  const pen = canvas.getContext("2d");
  let strokes = [], stroke = null, scale = 1;

  function draw() {
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    Object.assign(pen, { lineWidth: WIDE, lineCap: "round", lineJoin: "round", strokeStyle: "#10182b" });
    for (const points of strokes) {
      pen.beginPath();
      pen.moveTo(points[0].x, points[0].y);
      // a touch alone leaves a dot; between two points the line bends through their middle
      if (points.length === 1) pen.lineTo(points[0].x + 0.1, points[0].y);
      points.slice(1).forEach((to, at) => {
        const from = points[at];
        pen.quadraticCurveTo(from.x, from.y, (from.x + to.x) / 2, (from.y + to.y) / 2);
      });
      pen.stroke();
    }
    box.classList.toggle("is-signed", strokes.length > 0);
    box.querySelectorAll("[data-stroke]").forEach((button) => (button.disabled = !strokes.length));
  }

  // Turning the telephone changes the width; what was drawn stays.
  function fit() {
    if (!canvas.clientWidth) return;
    scale = Math.min(window.devicePixelRatio || 1, SHARP);
    canvas.width = canvas.clientWidth * scale;
    canvas.height = canvas.clientHeight * scale;
    draw();
  }

  function keep() {
    const chosen = new DataTransfer();
    if (strokes.length) {
      const bytes = Uint8Array.from(atob(canvas.toDataURL("image/png").split(",")[1]), (char) => char.charCodeAt(0));
      chosen.items.add(new File([bytes], "signature.png", { type: "image/png" }));
    }
    input.files = chosen.files;
    field.querySelector(".file-names").textContent = "";
  }

  const place = (event) => ({ x: event.offsetX, y: event.offsetY });
  canvas.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary || event.button) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    stroke = [place(event)];
    strokes.push(stroke);
    draw();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!stroke || !event.isPrimary) return;
    stroke.push(place(event));
    draw();
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, () => {
      if (!stroke) return;
      stroke = null;
      keep();
    });
  box.addEventListener("click", (event) => {
    const act = event.target.closest("[data-stroke]")?.dataset.stroke;
    if (!act) return;
    strokes = act === "undo" ? strokes.slice(0, -1) : [];
    draw();
    keep();
  });
  input.addEventListener("change", () => {
    strokes = [];
    draw();
  });
  new ResizeObserver(fit).observe(canvas);
}

const pads = () => document.querySelectorAll(".by-hand").forEach(pad);
document.addEventListener("DOMContentLoaded", pads);
document.addEventListener("htmx:afterSwap", pads);
