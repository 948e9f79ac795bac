// Starts the console: restores a session if there is one, then shows the application.

import { html, render } from './vendor/htm-preact.js';
import { App } from './app.js';
import { begin } from './lib/session.js';

const root = document.getElementById('app');
root.textContent = '';
render(html`<${App} />`, root);
begin();
