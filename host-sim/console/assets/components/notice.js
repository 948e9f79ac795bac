// What is shown in place of content: that it is on its way, that there is none, why it failed, or which scope is missing.

import { html, useEffect, useState } from '../vendor/htm-preact.js';
import { scopeName } from '../lib/names.js';
import { session } from '../lib/session.js';

export function Loading({ what = 'the answer of the node' }) {
  return html`<p class="empty" role="status">Waiting for ${what}.</p>`;
}

export function Empty({ children }) {
  return html`<p class="empty">${children}</p>`;
}

/** Why something failed. With `retry` it can be tried again, once the time is over after which the node wants to be asked. */
export function Problem({ problem, retry, again = 'Try again' }) {
  const left = useCountdown(problem);
  return html`
    <div class="notice" data-tone="critical" role="alert">
      <p>${problem.sentence}${problem.detail && html` <span class="quiet">The node adds: ${problem.detail}.</span>`}</p>
      ${left > 0 && html`<p>It can be asked again in <span aria-live="off">${left} s</span>.</p>`}
      ${retry && html`<button class="button" data-kind="small" disabled=${left > 0} onClick=${retry}>${again}</button>`}
    </div>`;
}

function useCountdown(problem) {
  const [left, setLeft] = useState(problem.retryAfter ?? 0);
  useEffect(() => {
    const over = Date.now() + (problem.retryAfter ?? 0) * 1_000;
    const tick = () => setLeft(Math.max(Math.ceil((over - Date.now()) / 1_000), 0));
    tick();
    const timer = setInterval(tick, 500);
    return () => clearInterval(timer);
  }, [problem]);
  return left;
}

/** That a scope is missing, and what to do. */
export function Missing({ scope }) {
  const { signedIn } = session.get();
  return html`
    <div class="notice" data-tone="warning">
      <p>The scope <code>${scope}</code> is missing: ${signedIn ? 'your key does' : 'without a key you do'} not have it, and it takes it to ${scopeName(scope)}.
        ${signedIn ? ' Ask an administrator for a key that has it.' : html` <a href="#/access">Sign in</a> with a key that has it.`}</p>
    </div>`;
}

/** The three states of what is read: draws `children(data)` once there is data, and what is the matter otherwise. */
export function Reading({ of, what, children }) {
  const { data, problem, reload } = of;
  return html`
    ${problem && html`<${Problem} problem=${problem} retry=${reload} />`}
    ${data ? children(data) : !problem && html`<${Loading} what=${what} />`}`;
}
