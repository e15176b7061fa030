/**
 * The core, as the page sees it: the one module that names Tauri. Whatever a call fails with becomes a `Problem`.
 * It must never decide anything.
 */

/** @typedef {import('../../types/backend').Backend} Backend */
/** @typedef {import('../../types/backend').Problem} Problem */
/** @typedef {import('../../types/backend').Tauri} Tauri */

/**
 * @param {unknown} error
 * @returns {Problem}
 */
export function problemOf(error) {
  if (typeof error === 'object' && error !== null && 'code' in error && 'message' in error) {
    const { code, message, hint } = /** @type {{ code: Problem['code'], message: unknown, hint?: unknown }} */ (error);
    return { code, message: String(message), hint: typeof hint === 'string' ? hint : '' };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'internal', message: message || 'Traybell did not answer.', hint: '' };
}

/**
 * @param {Tauri} tauri
 * @returns {Backend}
 */
export function connect(tauri) {
  /**
   * @template T
   * @param {string} command
   * @param {Record<string, unknown>} [args]
   * @returns {Promise<T>}
   */
  async function call(command, args) {
    try {
      return /** @type {T} */ (await tauri.core.invoke(command, args));
    } catch (error) {
      throw problemOf(error);
    }
  }

  return {
    view: () => call('view'),
    page: (query, cursor, limit) => call('page', { query, cursor, limit }),
    detail: (id) => call('detail', { id }),
    signIn: (input) => call('sign_in', { ...input }),
    signOut: (discard, purge) => call('sign_out', { discard, purge }),
    markRead: (id) => call('mark_read', { id }),
    markUnread: (id) => call('mark_unread', { id }),
    markAllRead: () => call('mark_all_read'),
    deleteMessage: (id) => call('delete_message', { id }),
    refresh: () => call('refresh'),
    openLink: (id, index, confirmed) => call('open_link', { id, index, confirmed }),
    settings: () => call('settings'),
    saveSettings: (settings) => call('save_settings', { settings }),
    pause: (length) => call('pause', { length }),
    resume: () => call('resume'),
    diagnostics: () => call('diagnostics'),
    exportDiagnostics: () => call('export_diagnostics'),
    listShown: (shown) => call('list_shown', { shown }),
    showImage: (id) => call('show_image', { id }),
    windowReady: () => call('window_ready'),
    async onView(then) {
      await tauri.event.listen('view', ({ payload }) => then(/** @type {any} */ (payload)));
    },
    async onFocus(then) {
      await tauri.event.listen('focus', ({ payload }) => then(/** @type {any} */ (payload)?.id ?? null));
    },
    async onShow(then) {
      await tauri.event.listen('show', ({ payload }) => {
        const place = /** @type {any} */ (payload);
        if (['settings', 'diagnostics', 'sign_in'].includes(place?.page)) then(place);
      });
    },
    picture: (id) => tauri.core.convertFileSrc(id, 'picture'),
    version: async () => (await tauri.app?.getVersion()) ?? '',
  };
}
