/**
 * Elements built by functions. Text goes in as text: nothing here takes HTML.
 */

/** @typedef {Node | string | null | undefined | false} Child */
/**
 * `on…` are listeners, `class` and `text` what they say, booleans set or leave out the attribute, all else is an
 * attribute as it stands.
 * @typedef {Record<string, unknown>} Props
 */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Props} [props]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith('on') && typeof value === 'function') {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else if (name === 'text') {
      element.textContent = String(value);
    } else {
      setAttribute(element, name, value);
    }
  }
  for (const child of children) if (child || child === '') element.append(child);
  return element;
}

/**
 * Changes nothing that is as it should be, so that a redraw costs no layout and a screen reader no repeat.
 * @param {Element} element
 * @param {string} name
 * @param {unknown} value
 */
export function setAttribute(element, name, value) {
  if (value === undefined || value === null || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? '' : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/**
 * @param {Node} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {HTMLElement} element
 * @param {boolean} hidden
 */
export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/**
 * Puts `wanted` under `parent` in this order. What is in its place is not touched, so focus and scrolling stay.
 * @param {Element} parent
 * @param {readonly Element[]} wanted
 */
export function place(parent, wanted) {
  const stay = new Set(wanted);
  for (const child of [...parent.children]) if (!stay.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const element of wanted) {
    if (element === at) at = at.nextElementSibling;
    else parent.insertBefore(element, at);
  }
}

/**
 * Text for screen readers alone.
 * @param {string} text
 */
export function spoken(text) {
  return h('span', { class: 'spoken', text });
}

let ids = 0;

/**
 * An id for `aria-labelledby` and the like.
 * @param {string} name
 */
export function newId(name) {
  ids += 1;
  return `${name}-${ids}`;
}
