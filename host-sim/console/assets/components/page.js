// The frame of a page: its heading, which gets the focus on arrival so that the keyboard and screen readers begin there, and its panels.

import { html, useEffect, useRef } from '../vendor/htm-preact.js';

let first = true;

export function Page({ title, lead, actions, children }) {
  const heading = useRef(null);
  useEffect(() => {
    document.title = `${title} · QENEX`;
  }, [title]);
  useEffect(() => {
    // On the very first page the browser's own beginning is right.
    if (!first) heading.current?.focus();
    first = false;
  }, []);
  return html`
    <div class="page">
      <div class="page-head">
        <div>
          <h1 ref=${heading} tabindex="-1">${title}</h1>
          ${lead && html`<p class="lead">${lead}</p>`}
        </div>
        ${actions && html`<div class="page-actions">${actions}</div>`}
      </div>
      ${children}
    </div>`;
}

/** A part of a page with a heading. `plain`: the content brings its own spacing, as tables do. */
export function Panel({ title, side, foot, plain, children }) {
  return html`
    <section class="panel">
      <div class="panel-head"><h2>${title}</h2>${side}</div>
      ${plain ? children : html`<div class="panel-body">${children}</div>`}
      ${foot && html`<div class="panel-foot">${foot}</div>`}
    </section>`;
}

/** Labels and values: [label, value] pairs. Pairs without a value are left out. */
export function Facts({ of }) {
  const told = of.filter(([, value]) => value === 0 || Boolean(value));
  return html`<dl class="facts">${told.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** The few numbers that are read first. */
export function Figures({ of }) {
  return html`<dl class="figures">${of.map(([label, value]) => html`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}
