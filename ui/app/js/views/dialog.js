/**
 * One question at a time, in a modal dialog. Escape, the backdrop and Cancel all answer no.
 */

import { h, newId } from '../dom.js';

/** @typedef {import('../../../types/state').Question} Question */

/** @param {Question} question */
export function ask({ title, text, quote, confirm, danger, choice }) {
  return /** @type {Promise<{ choice: boolean } | null>} */ (new Promise((resolve) => {
    const titleId = newId('dialog-title');
    const textId = newId('dialog-text');
    const focused = document.activeElement;
    const yes = h('button', {
      type: 'submit', value: 'yes', class: danger ? 'button danger' : 'button filled', 'data-testid': 'dialog-confirm', text: confirm,
    });
    const no = h('button', { type: 'submit', value: 'no', class: 'button', 'data-testid': 'dialog-cancel', text: 'Cancel' });
    const hintId = newId('dialog-hint');
    const box = choice && h('input', { type: 'checkbox', checked: choice.checked, 'aria-describedby': hintId, 'data-testid': 'dialog-choice' });
    const dialog = h(
      'dialog',
      { class: 'dialog', 'aria-labelledby': titleId, 'aria-describedby': textId, 'data-testid': 'dialog' },
      h(
        'form',
        { method: 'dialog' },
        h('h2', { id: titleId, text: title }),
        h('p', { id: textId, text }),
        quote ? h('p', { class: 'quote', dir: 'ltr', text: quote }) : null,
        choice && box
          ? h('div', { class: 'dialog-choice' }, h('label', { class: 'option' }, box, h('span', { text: choice.label })), h('p', { id: hintId, class: 'option-hint', text: choice.hint }))
          : null,
        h('div', { class: 'dialog-buttons' }, no, yes),
      ),
    );
    dialog.addEventListener('close', () => {
      dialog.remove();
      if (focused instanceof HTMLElement && focused.isConnected) focused.focus();
      resolve(dialog.returnValue === 'yes' ? { choice: box?.checked ?? false } : null);
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
