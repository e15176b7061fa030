/**
 * The icons, as SVG elements built here: one colour, that of the text around them. Decorative: the words stand beside.
 */

const SVG = 'http://www.w3.org/2000/svg';

/** Strokes on a grid of 20. @type {Readonly<Record<string, readonly string[]>>} */
const STROKES = {
  message: ['M3.5 5.5h13a1 1 0 0 1 1 1v7.5a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1V6.5a1 1 0 0 1 1-1z', 'm3 6.3 7 5.2 7-5.2'],
  shoutout: ['M3 8.2v3.6a1 1 0 0 0 1 1h2.2l7.3 3.4V3.8L6.2 7.2H4a1 1 0 0 0-1 1z', 'M6.5 13l.8 3.3h2l-.6-2.6', 'M16.3 8a2.8 2.8 0 0 1 0 4'],
  inbox: ['M2.8 11.5 5 4.5h10l2.2 7v3.3a1 1 0 0 1-1 1H3.8a1 1 0 0 1-1-1z', 'M2.8 11.5h4.1c.3 1.5 1.5 2.4 3.1 2.4s2.8-.9 3.1-2.4h4.1'],
  other: ['M10 3a4.6 4.6 0 0 1 4.6 4.6c0 4.3 1.6 5.2 1.6 5.9H3.8c0-.7 1.6-1.6 1.6-5.9A4.6 4.6 0 0 1 10 3z', 'M8.3 16a1.9 1.9 0 0 0 3.4 0'],
  back: ['M12 4.5 6.5 10l5.5 5.5'],
  more: ['M4.5 10h.01', 'M10 10h.01', 'M15.5 10h.01'],
  copy: ['M7.5 7.5h8v9h-8z', 'M12.5 7.5v-4h-8v9h3'],
  unread: ['M17.5 9.5v5a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1V6.5a1 1 0 0 1 1-1H12', 'm3 6.3 7 5.2 3-2.2', 'M16.3 4.3a.9.9 0 1 0 0 1.8.9.9 0 0 0 0-1.8z'],
  read: ['M3 9l7-5 7 5v6a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1z', 'm3.3 9.5 6.7 4.3 6.7-4.3'],
  trash: ['M4 5.5h12', 'M8 5.5V3.8h4v1.7', 'm5.3 5.5.8 11h7.8l.8-11', 'M8.5 8.5v5', 'M11.5 8.5v5'],
  refresh: ['M16 10a6 6 0 1 1-1.9-4.4L16 7.3', 'M16.2 3.6v3.7h-3.7'],
  checks: ['m2.5 10.5 3.3 3.5L12 6.5', 'm9.5 13.5.6.5 7-7.5'],
  leave: ['M8 3.5H4.5v13H8', 'M12.5 6.5 16 10l-3.5 3.5', 'M16 10H8'],
  warning: ['M10 3.5 17.5 16.5h-15z', 'M10 8.5v3.5', 'M10 14.3h.01'],
  info: ['M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14z', 'M10 9.5v4', 'M10 6.7h.01'],
  offline: ['M7.6 5.1a4.7 4.7 0 0 1 7.6 3.2 3.2 3.2 0 0 1 1.8 5.2', 'M14 15.5H6.3a3.6 3.6 0 0 1-.5-7.1', 'm3.5 3.5 13 13'],
  close: ['m5.5 5.5 9 9', 'm14.5 5.5-9 9'],
  check: ['m4.5 10.5 3.7 3.7 7.3-8'],
  search: ['M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11z', 'm13 13 4 4'],
  filter: ['M3 5.5h14', 'M5.5 10h9', 'M8 14.5h4'],
  settings: ['M3 6h7', 'M14 6h3', 'M12 4v4', 'M3 14h3', 'M10 14h7', 'M8 12v4'],
  pulse: ['M2.5 10.5h3l2-5 4 9 2.2-4h3.8'],
  moon: ['M16 11.8A6.5 6.5 0 0 1 8.2 4 6.5 6.5 0 1 0 16 11.8z'],
  pause: ['M7.5 5v10', 'M12.5 5v10'],
  plus: ['M10 4.5v11', 'M4.5 10h11'],
  picture: ['M3.5 4.5h13a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-13a1 1 0 0 1-1-1v-9a1 1 0 0 1 1-1z', 'm2.8 13.5 4.2-4 3.5 3.5 2.5-2.2 4.2 3.7', 'M13 8h.01'],
  save: ['M10 3.5v9', 'm6.5 9 3.5 3.5L13.5 9', 'M4 16.5h12'],
  key: ['M7 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z', 'M10.5 10H17v3', 'M14 10v2'],
};

/**
 * @param {string} name of `STROKES`; anything else draws the bell
 * @param {number} [size] in CSS pixels at 100% text
 */
export function icon(name, size = 20) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('class', `icon icon-${size}`);
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  for (const d of STROKES[name] ?? STROKES['other'] ?? []) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}

/**
 * The icon of a row's type.
 * @param {string} event
 */
export function typeIcon(event) {
  return icon(event === 'message' || event === 'shoutout' || event === 'inbox' ? event : 'other');
}

/** The bell that hangs in a tray: the glyph of `icons/traybell.svg`. */
export function glyph() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 64 64');
  svg.setAttribute('class', 'glyph');
  svg.setAttribute('aria-hidden', 'true');
  svg.setAttribute('focusable', 'false');
  for (const [d, kind] of [
    ['M32 0c-3.3 0-6 2.7-6 6v1.6C18.8 10.2 14 17 14 25v8c0 3-1.2 5-3.2 7.2C7 44 8.4 48 12 48h40c3.6 0 5-4 1.2-7.8C51.2 38 50 36 50 33v-8c0-8-4.8-14.8-12-17.4V6c0-3.3-2.7-6-6-6z', 'fill'],
    ['M24 52h16c0 3-3 5-8 5s-8-2-8-5z', 'fill'],
    ['M2 40v19c0 1.8 1.2 3 3 3h54c1.8 0 3-1.2 3-3V40', 'stroke'],
  ]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d ?? '');
    path.setAttribute('class', `glyph-${kind}`);
    svg.append(path);
  }
  return svg;
}
