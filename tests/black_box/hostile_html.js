// What the tests of hostile HTML look at in the window, as functions that a test puts before its script.

/** Waits for what `find` finds, at most half a minute; null when it never came. */
async function found(find) {
  const until = performance.now() + 30_000;
  for (;;) {
    const seen = find();
    if (seen) return seen;
    if (performance.now() > until) return null;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const tested = (name) => document.querySelector(`[data-testid="${name}"]`);

/** Opens a message by its row, however far down the list it is; whether it is shown whole. */
async function open(id) {
  const row = await found(() => {
    const row = document.querySelector(`[data-testid="row"][data-id="${id}"]`);
    const list = tested('list');
    if (!row && list) list.scrollTop = list.scrollHeight;
    return row;
  });
  if (!row) return false;
  row.click();
  // The page draws what the click changed after this turn: until then the message shown is the one before.
  await null;
  const shown = () => {
    const detail = tested('detail');
    return detail && detail.dataset.id === id && !detail.hasAttribute('aria-busy') && tested('detail-body').shadowRoot;
  };
  return (await found(shown)) !== null;
}

/** Does to everything in the message's body and footer what a person, or a careless page, may do. */
function provoke() {
  for (const name of ['detail-body', 'detail-footer']) {
    // The deepest attacks have thousands of elements, all alike.
    for (const element of [...(tested(name).shadowRoot?.querySelectorAll('*') ?? [])].slice(-100)) {
      for (const type of ['pointerover', 'mouseover', 'mousedown', 'focus', 'toggle', 'animationstart', 'load', 'error']) {
        element.dispatchEvent(new Event(type, { bubbles: true, composed: true }));
      }
      if (element instanceof HTMLElement) element.focus();
      element.dispatchEvent(new MouseEvent('click', { bubbles: true, composed: true, cancelable: true }));
    }
  }
}

/** Returns once whatever the page had begun to load before has been answered. */
async function settled() {
  const image = new Image();
  const answered = new Promise((resolve) => {
    image.onerror = image.onload = resolve;
  });
  image.src = `no-such-picture-${performance.now()}`;
  await answered;
}

/** The elements of the window as nested text: tags and the names of attributes, but what tells of a state. */
function structure(element, without) {
  const states = new Set(['hidden', 'disabled', 'aria-disabled', 'aria-busy', 'aria-current', 'src', 'title', 'style', 'data-loading']);
  const names = element.getAttributeNames().filter((name) => !states.has(name)).sort();
  const own = `${element.localName}#${element.id.replace(/\d+/g, '')}[${names}]`;
  if (without.includes(element)) return own;
  return `${own}(${[...element.children].map((child) => structure(child, without)).join()})`;
}

/** Everything of the window that a message must not change. */
function outside() {
  const body = tested('detail-body');
  const list = tested('list');
  const actions = tested('detail').querySelector('.cta');
  const style = getComputedStyle(body);
  const box = body.getBoundingClientRect();
  const page = tested('detail').getBoundingClientRect();
  const over = (name) => {
    const { left, top, width, height } = tested(name).getBoundingClientRect();
    const seen = document.elementFromPoint(left + width / 2, top + height / 2);
    return tested(name).contains(seen) || seen?.closest('[data-testid]')?.dataset.testid;
  };
  return {
    ran: window.ran === undefined ? null : String(window.ran),
    address: location.href,
    title: document.title,
    frames: window.length,
    forms: document.forms.length,
    bridge: typeof window.__TAURI__?.core?.invoke,
    structure: structure(document.documentElement, [list, actions]),
    rows: [...new Set([...list.querySelectorAll('[data-testid="row"]')].map((row) => structure(row, [])))].sort(),
    actions: [...new Set([...actions.querySelectorAll('*')].map((element) => element.localName))].filter(
      (tag) => !['div', 'p', 'button', 'span'].includes(tag),
    ),
    place: [style.position, style.display, style.contain, style.zIndex, style.transform, style.visibility, style.opacity],
    box: [box.left - page.left, box.width].map(Math.round),
    wide: document.documentElement.scrollWidth <= window.innerWidth,
    back: over('back'),
    texts: ['detail-title', 'cta-0', 'cta-1'].flatMap((name) => [...(tested(name)?.querySelectorAll('*') ?? [])])
      .filter((element) => !element.matches('.cta-label'))
      .map((element) => element.outerHTML),
    elements: [...new Set(['detail-body', 'detail-footer'].flatMap((name) =>
      [...(tested(name).shadowRoot?.querySelectorAll('*') ?? [])].map((element) => element.localName)))].sort(),
    attributes: ['detail-body', 'detail-footer'].flatMap((name) =>
      [...(tested(name).shadowRoot?.querySelectorAll('*') ?? [])].flatMap((element) =>
        element.getAttributeNames().filter((attribute) => attribute !== 'dir'))),
  };
}
