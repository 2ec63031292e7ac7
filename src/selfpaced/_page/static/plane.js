// Points on a canvas that can be moved and enlarged: drawn into a buffer of pixels, which needs no
// graphics card. Coordinates are whole numbers from 0 to 65,534; 65,535 is not drawn.

const NOT_DRAWN = 65535, UNIT = 65534;
// The width of the frame around the points, in pixels of the page.
const FRAME = { left: 56, right: 12, top: 10, bottom: 40 };
const NO_AXES = { left: 1, right: 1, top: 1, bottom: 1 };
// Cells a side of the grid in which the nearest point is looked for.
const CELLS = 128;

class Plane {
  // `canvas` fills its parent. Call `show` before `draw`.
  constructor(canvas) {
    this.canvas = canvas;
    this.ink = canvas.getContext("2d");
    this.home();
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
  }

  // Show points: coordinates, the order in which they are drawn, and the axes of a map.
  show(across, up, order, axes) {
    Object.assign(this, { across, up, order, axes });
    this.edge = axes.x || axes.y ? FRAME : NO_AXES;
    this.index();
    this.home();
  }

  // Colour each point: `colour` has a place in `palette` for each; `large` marks the larger ones.
  paint(colour, palette, large) {
    Object.assign(this, { colour, palette: palette.map(packedColour), large });
  }

  home() {
    this.scale = 1;
    this.left = this.bottom = 0;
  }

  // Put points into cells, for `near`.
  index() {
    const n = this.across.length, starts = new Uint32Array(CELLS * CELLS + 1);
    const cell = new Uint16Array(n), last = CELLS - 1;
    for (let i = 0; i < n; i++) {
      cell[i] = Math.min(last, this.across[i] >> 9) + CELLS * Math.min(last, this.up[i] >> 9);
      if (this.across[i] !== NOT_DRAWN) starts[cell[i] + 1]++;
    }
    for (let c = 0; c < CELLS * CELLS; c++) starts[c + 1] += starts[c];
    const places = new Uint32Array(starts[CELLS * CELLS]), next = starts.slice();
    for (let i = 0; i < n; i++) if (this.across[i] !== NOT_DRAWN) places[next[cell[i]]++] = i;
    Object.assign(this, { starts, places });
  }

  // The size of the page and of the buffer, and how many pixels of the buffer a pixel of the page has.
  measure() {
    const box = this.canvas.parentElement.getBoundingClientRect();
    this.dense = Math.min(2, window.devicePixelRatio || 1);
    this.width = Math.max(80, Math.round(box.width));
    this.height = Math.max(80, Math.round(box.height));
    const [w, h] = [Math.round(this.width * this.dense), Math.round(this.height * this.dense)];
    if (this.canvas.width !== w || this.canvas.height !== h || !this.buffer) {
      this.canvas.width = w;
      this.canvas.height = h;
      this.image = this.ink.createImageData(w, h);
      this.buffer = new Uint32Array(this.image.data.buffer);
    }
    this.inner = {
      width: this.width - this.edge.left - this.edge.right, height: this.height - this.edge.top - this.edge.bottom,
    };
  }

  // From coordinates to pixels of the page, and back.
  toPage(x, y) {
    return [
      this.edge.left + ((x / UNIT) * this.scale - this.left) * this.inner.width,
      this.edge.top + this.inner.height - ((y / UNIT) * this.scale - this.bottom) * this.inner.height,
    ];
  }

  fromPage(px, py) {
    return [
      (((px - this.edge.left) / this.inner.width + this.left) / this.scale) * UNIT,
      (((this.edge.top + this.inner.height - py) / this.inner.height + this.bottom) / this.scale) * UNIT,
    ];
  }

  draw() {
    if (!this.across) return;
    this.measure();
    const style = getComputedStyle(this.canvas);
    this.buffer.fill(packedColour(style.getPropertyValue("--paper").trim()));
    this.points(this.radius(), packedColour(style.getPropertyValue("--paper").trim()));
    this.ink.putImageData(this.image, 0, 0);
    this.frame(style);
    this.canvas.dispatchEvent(new Event("drawn"));
  }

  // Points are smaller where there are many, and grow as the map is enlarged.
  radius() {
    const n = this.order.length, size = n > 20000 ? 1 : n > 3000 ? 1.6 : n > 500 ? 2.4 : 3.2;
    return Math.min(5, size * Math.sqrt(Math.max(1, Math.sqrt(this.scale)))) * this.dense;
  }

  points(radius, paper) {
    const { across, up, order, buffer, dense, colour, palette, large, canvas } = this;
    const w = canvas.width, h = canvas.height;
    const kx = (this.scale / UNIT) * this.inner.width * dense;
    const ky = (this.scale / UNIT) * this.inner.height * dense;
    const ox = (this.edge.left - this.left * this.inner.width) * dense;
    const oy = (this.edge.top + (1 + this.bottom) * this.inner.height) * dense;
    const [x0, x1] = [this.edge.left * dense, w - this.edge.right * dense];
    const [y0, y1] = [this.edge.top * dense, h - this.edge.bottom * dense];
    const dot = disc(radius, w), big = disc(radius * 1.5 + dense, w), edge = ring(radius * 1.5 + dense, w);
    const margin = Math.ceil(radius * 1.5 + 2 * dense) + 1;
    for (let k = 0; k < order.length; k++) {
      const i = order[k];
      if (across[i] === NOT_DRAWN) continue;
      const x = Math.round(ox + across[i] * kx), y = Math.round(oy - up[i] * ky);
      if (x < x0 || x > x1 || y < y0 || y > y1) continue;
      if (x < margin || y < margin || x >= w - margin || y >= h - margin) continue;
      const at = y * w + x, value = palette[colour[i]], shape = large[i] ? big : dot;
      for (let j = 0; j < shape.length; j++) buffer[at + shape[j]] = value;
      if (large[i]) for (let j = 0; j < edge.length; j++) buffer[at + edge[j]] = paper;
    }
  }

  // The frame, the axes with their numbers and names, and the line of a lasso.
  frame(style) {
    const { ink } = this, muted = style.getPropertyValue("--muted").trim();
    ink.setTransform(this.dense, 0, 0, this.dense, 0, 0);
    ink.strokeStyle = style.getPropertyValue("--line").trim();
    ink.strokeRect(this.edge.left, this.edge.top, this.inner.width, this.inner.height);
    ink.fillStyle = muted;
    ink.font = `13px ${style.fontFamily}`;
    if (this.axes.x) this.ticks(ink, "across");
    if (this.axes.y) this.ticks(ink, "up");
    ink.textAlign = "center";
    ink.fillText(this.axes.x, this.edge.left + this.inner.width / 2, this.height - 6, this.inner.width);
    ink.save();
    ink.translate(14, this.edge.top + this.inner.height / 2);
    ink.rotate(-Math.PI / 2);
    ink.fillText(this.axes.y, 0, 0, this.inner.height);
    ink.restore();
    if (this.lasso) this.outline(ink, style.getPropertyValue("--ink").trim());
    ink.setTransform(1, 0, 0, 1, 0, 0);
  }

  ticks(ink, axis) {
    const [low, high] = this.axes[axis], side = axis === "across";
    const start = side ? this.left : this.bottom;
    const from = low + (start / this.scale) * (high - low), wide = (high - low) / this.scale;
    const step = niceStep(wide / (side ? Math.max(2, this.inner.width / 110) : Math.max(2, this.inner.height / 70)));
    for (let value = Math.ceil(from / step) * step; value <= from + wide; value += step) {
      const share = (value - from) / wide, shown = Number(value.toPrecision(6)).toString();
      if (side) {
        ink.textAlign = "center";
        ink.fillText(shown, this.edge.left + share * this.inner.width, this.height - this.edge.bottom + 16);
      } else {
        ink.textAlign = "right";
        ink.fillText(shown, this.edge.left - 6, this.edge.top + (1 - share) * this.inner.height + 4);
      }
    }
  }

  outline(ink, colour) {
    ink.strokeStyle = colour;
    ink.setLineDash([5, 4]);
    ink.beginPath();
    for (const [x, y] of this.lasso) ink.lineTo(x, y);
    ink.stroke();
    ink.setLineDash([]);
  }

  move(dx, dy) {
    this.left -= dx / this.inner.width;
    this.bottom += dy / this.inner.height;
    this.keepIn();
  }

  // Enlarge by a factor; the point of the page stays where it is.
  zoom(factor, px = this.edge.left + this.inner.width / 2, py = this.edge.top + this.inner.height / 2) {
    const scale = Math.max(1, Math.min(2000, this.scale * factor));
    const x = (px - this.edge.left) / this.inner.width;
    const y = (this.edge.top + this.inner.height - py) / this.inner.height;
    this.left = ((this.left + x) / this.scale) * scale - x;
    this.bottom = ((this.bottom + y) / this.scale) * scale - y;
    this.scale = scale;
    this.keepIn();
  }

  keepIn() {
    this.left = Math.max(-0.5, Math.min(this.scale - 0.5, this.left));
    this.bottom = Math.max(-0.5, Math.min(this.scale - 0.5, this.bottom));
  }

  // The point nearest to a place on the page, within 12 pixels; -1 for none.
  near(px, py) {
    const [x, y] = this.fromPage(px, py), reach = 12;
    const rx = (reach / this.inner.width / this.scale) * UNIT, ry = (reach / this.inner.height / this.scale) * UNIT;
    const cellOf = (value) => Math.max(0, Math.min(CELLS - 1, value >> 9));
    let best = -1, least = 1;
    for (let row = cellOf(y - ry); row <= cellOf(y + ry); row++) {
      for (let column = cellOf(x - rx); column <= cellOf(x + rx); column++) {
        const c = column + CELLS * row;
        for (let j = this.starts[c]; j < this.starts[c + 1]; j++) {
          const i = this.places[j];
          const far = ((this.across[i] - x) / rx) ** 2 + ((this.up[i] - y) / ry) ** 2;
          if (far < least) [best, least] = [i, far];
        }
      }
    }
    return best;
  }

  // The points inside a polygon of places on the page, or in view.
  inside(polygon) {
    const corners = polygon.map(([px, py]) => this.fromPage(px, py)), found = [];
    const xs = corners.map((corner) => corner[0]), ys = corners.map((corner) => corner[1]);
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    for (let i = 0; i < this.across.length; i++) {
      const x = this.across[i], y = this.up[i];
      if (x === NOT_DRAWN || x < x0 || x > x1 || y < y0 || y > y1) continue;
      if (isInside(x, y, corners)) found.push(i);
    }
    return found;
  }

  view() {
    const { width, height } = this.inner, [l, t] = [this.edge.left, this.edge.top];
    return [[l, t], [l + width, t], [l + width, t + height], [l, t + height]];
  }
}

function isInside(x, y, corners) {
  let odd = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
    const [xi, yi] = corners[i], [xj, yj] = corners[j];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}

// Offsets in a buffer of this width of the pixels of a disc, and of the ring on its edge.
function disc(radius, width) {
  return offsets(width, radius, (far) => far <= radius);
}

function ring(radius, width) {
  return offsets(width, radius + 1, (far) => far > radius && far <= radius + 1);
}

function offsets(width, reach, isPart) {
  const found = [], most = Math.ceil(reach);
  for (let y = -most; y <= most; y++) {
    for (let x = -most; x <= most; x++) if (isPart(Math.hypot(x, y))) found.push(y * width + x);
  }
  return Int32Array.from(found);
}

// A colour such as #0063a0 as a pixel of a buffer.
function packedColour(hex) {
  const value = parseInt(hex.slice(1), 16);
  return ((255 << 24) | ((value & 255) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].find((factor) => factor * power >= least) * power;
}
