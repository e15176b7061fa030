/**
 * The one place where HTML becomes elements: the body and footer of a message, which the core has sanitised. They live
 * in a shadow root with a style sheet of their own, so that they cannot dress up as the window. The core's work is
 * checked once more here: what is not on the list below is taken out, and links are inert, for a link is opened by the
 * core as a button of a message and never by an address in the page.
 */

import { h } from './dom.js';

/** Kept, without any attribute but those below. */
const TAGS = new Set(
  ('a abbr b blockquote br caption cite code col colgroup dd del details dfn div dl dt em figcaption figure h1 h2 h3 h4 ' +
    'h5 h6 hr i ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead time ' +
    'tr u ul var wbr').split(' '),
);

/** Taken out with all they hold. Any other tag goes and what it holds stays. */
const GONE = new Set(
  ('script style template iframe object embed form input button select textarea svg math link meta base title audio ' +
    'video canvas noscript frame frameset applet').split(' '),
);

const ATTRIBUTES = new Set(['dir', 'lang', 'title', 'colspan', 'rowspan', 'start', 'open']);

const STYLE = `
:host { display: block; contain: content; overflow-wrap: anywhere; }
* { max-width: 100%; box-sizing: border-box; }
p, ul, ol, dl, blockquote, pre, table, figure, h1, h2, h3, h4, h5, h6 { margin: 0 0 .75em; }
:last-child { margin-bottom: 0; }
h1, h2, h3, h4, h5, h6 { font-size: 1.0714em; line-height: 1.3333; font-weight: 600; margin-top: 1.25em; }
:first-child { margin-top: 0; }
ul, ol { padding-inline-start: 1.5em; }
li { margin: .25em 0; }
b, strong, th { font-weight: 600; }
blockquote { padding-inline-start: .85em; border-inline-start: 3px solid var(--line-strong); color: var(--meta); }
pre, code, kbd, samp { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .93em; }
pre { padding: .75em; border-radius: 8px; background: var(--ground-2); overflow-x: auto; white-space: pre-wrap; }
hr { border: 0; border-top: 1px solid var(--line-strong); margin: 1em 0; }
table { display: block; overflow-x: auto; border-collapse: collapse; }
th, td { border: 1px solid var(--line-strong); padding: .35em .6em; text-align: start; vertical-align: top; }
a { color: inherit; text-decoration: underline; text-decoration-style: dotted; text-decoration-color: var(--meta); text-underline-offset: .2em; cursor: help; }
mark { background: var(--ground-3); color: inherit; }
`;

/** @type {CSSStyleSheet | null} */
let sheet = null;

/**
 * @param {HTMLElement} host
 * @param {string} html sanitised by the core
 * @param {string} [otherwise] plain text to show where the HTML is empty
 */
export function showBody(host, html, otherwise = '') {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' });
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
  }
  root.adoptedStyleSheets = [sheet];
  // A parsed document of its own runs no script, no handler, and loads nothing.
  const parsed = new DOMParser().parseFromString(html, 'text/html').body;
  clean(parsed);
  // The direction of the writing is found here: `auto` on the host does not see into the root.
  const page = h('div', { dir: 'auto' });
  page.append(...parsed.childNodes);
  if (html.trim() === '' && otherwise !== '') page.append(h('p', { text: otherwise }));
  root.replaceChildren(page);
}

/**
 * The text of a body, with its lines, for the clipboard.
 * @param {HTMLElement} host
 */
export function bodyText(host) {
  const page = host.shadowRoot?.firstElementChild;
  return page instanceof HTMLElement ? page.innerText.replace(/\n{3,}/g, '\n\n').trim() : '';
}

/** @param {ParentNode} parent */
function clean(parent) {
  for (const element of [...parent.children]) {
    const tag = element.localName;
    if (GONE.has(tag)) {
      element.remove();
      continue;
    }
    clean(element);
    if (!TAGS.has(tag) || !(element instanceof HTMLElement)) {
      const alt = tag === 'img' ? (element.getAttribute('alt') ?? '') : '';
      element.replaceWith(...(alt ? [alt] : element.childNodes));
      continue;
    }
    const address = tag === 'a' ? element.getAttribute('href') : null;
    for (const name of element.getAttributeNames()) if (!ATTRIBUTES.has(name)) element.removeAttribute(name);
    // Where it would lead can be read, and copied by hand.
    if (address && !address.startsWith('#')) element.title = address;
  }
}
