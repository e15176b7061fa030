/**
 * One question at a time, in a modal dialog. Escape, the backdrop and Cancel all answer no.
 */

import { h, newId } from '../dom.js';

/** @typedef {import('../../../types/state').Question} Question */

/** @param {Question} question */
export function ask({ title, text, quote, confirm, danger }) {
  return /** @type {Promise<boolean>} */ (new Promise((resolve) => {
    const titleId = newId('dialog-title');
    const textId = newId('dialog-text');
    const focused = document.activeElement;
    const yes = h('button', {
      type: 'submit', value: 'yes', class: danger ? 'button danger' : 'button filled', 'data-testid': 'dialog-confirm', text: confirm,
    });
    const no = h('button', { type: 'submit', value: 'no', class: 'button', 'data-testid': 'dialog-cancel', text: 'Cancel' });
    const dialog = h(
      'dialog',
      { class: 'dialog', 'aria-labelledby': titleId, 'aria-describedby': textId, 'data-testid': 'dialog' },
      h(
        'form',
        { method: 'dialog' },
        h('h2', { id: titleId, text: title }),
        h('p', { id: textId, text }),
        quote ? h('p', { class: 'quote', dir: 'ltr', text: quote }) : null,
        h('div', { class: 'dialog-buttons' }, no, yes),
      ),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (focused instanceof HTMLElement && focused.isConnected) focused.focus();
      resolve(dialog.returnValue === 'yes');
    });
    dialog.addEventListener('click', (event) => {
      if (event.target === dialog) dialog.close('no');
    });
    document.body.append(dialog);
    dialog.showModal();
    // The safe answer is the one a hasty Enter gives.
    no.focus();
  }));
}
