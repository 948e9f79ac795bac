// A table that is a list of cards where there is little room. Roles are said once more, because changing how a table is displayed takes its
// meaning away from assistive technology.

import { html, useEffect, useRef, useState } from '../vendor/htm-preact.js';

/**
 * columns: [{label, cell: (row) => content, kind: 'number' | 'whole'}]. caption: what the table holds; heard, not seen. brief: a few rows are
 * enough where there is little room.
 */
export function Table({ caption, columns, rows, rowKey, brief }) {
  const [box, scrolls] = useScrolls();
  // Who has only a keyboard can scroll what can be focused.
  const reach = scrolls ? { tabindex: 0, role: 'region', 'aria-label': caption } : {};
  return html`
    <div class="table-scroll" ref=${box} ...${reach}>
      <table class="table" role="table" data-brief=${brief}>
        <caption class="unseen">${caption}</caption>
        <thead role="rowgroup"><tr role="row">
          ${columns.map(({ label, kind }) => html`<th role="columnheader" scope="col" class=${kind}>${label}</th>`)}
        </tr></thead>
        <tbody role="rowgroup">
          ${rows.map((row) => html`
            <tr role="row" key=${rowKey(row)}>
              ${columns.map(({ label, kind, cell }) => html`<td role="cell" class=${kind} data-label=${label}><div>${cell(row)}</div></td>`)}
            </tr>`)}
        </tbody>
      </table>
    </div>`;
}

function useScrolls() {
  const box = useRef(null);
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const look = () => setScrolls(box.current.scrollWidth > box.current.clientWidth || box.current.scrollHeight > box.current.clientHeight);
    const observer = new ResizeObserver(look);
    observer.observe(box.current);
    observer.observe(box.current.firstElementChild);
    return () => observer.disconnect();
  }, []);
  return [box, scrolls];
}
