/**
 * Serves the page on loopback with a mock core, under the content policy it has in the app: `npm run preview`, then
 * open `http://127.0.0.1:4173/?scenario=full`. The scenarios are in `mock.js`.
 */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const APP = fileURLToPath(new URL('../app/', import.meta.url));
const MOCK = fileURLToPath(new URL('./mock.js', import.meta.url));
const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' };
const POLICY =
  "default-src 'self'; img-src 'self'; connect-src 'none'; style-src 'self'; script-src 'self'; object-src 'none'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const PICTURE =
  '<svg xmlns="http://www.w3.org/2000/svg" width="1200" height="675"><defs><linearGradient id="g" x2="1" y2="1"><stop stop-color="#2b3a67"/><stop offset="1" stop-color="#b56576"/></linearGradient></defs><rect width="1200" height="675" fill="url(#g)"/><circle cx="900" cy="220" r="120" fill="#ffe8a3"/><path d="M0 560 300 330 520 500 760 300 1200 600V675H0z" fill="#1b2440"/></svg>';

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
  const send = (status, type, body) => {
    response.writeHead(status, { 'content-type': type, 'content-security-policy': POLICY, 'cache-control': 'no-store' });
    response.end(body);
  };
  try {
    if (pathname.startsWith('/__picture/')) {
      // The one without a picture shows that a failed one leaves no hole.
      if (pathname.endsWith('/h5')) send(404, 'text/plain', 'none');
      else send(200, 'image/svg+xml', PICTURE);
    } else if (pathname === '/__mock.js') {
      send(200, 'text/javascript', await readFile(MOCK));
    } else if (pathname === '/') {
      const page = await readFile(join(APP, 'index.html'), 'utf8');
      send(200, 'text/html', page.replace('<script ', '<script type="module" src="/__mock.js"></script>\n    <script '));
    } else {
      const file = join(APP, normalize(decodeURIComponent(pathname)));
      if (!file.startsWith(APP)) throw new Error('outside');
      send(200, TYPES[extname(file)] ?? 'application/octet-stream', await readFile(file));
    }
  } catch {
    send(404, 'text/plain', 'not found');
  }
});

const port = Number(process.env.PORT ?? 4173);
server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}/?scenario=full`));
