// A table of a list that is read in parts, with what is shown while it is read, when it is empty, and when reading failed.

import { html } from '../vendor/htm-preact.js';
import { Empty, Loading, Problem } from './notice.js';
import { Table } from './table.js';

/** pages: what usePages returned. what: the items in the plural. empty: the sentence when there are none. */
export function PagedTable({ pages, what, empty, caption, columns, rowKey }) {
  const { items, problem, loading, more, loadMore } = pages;
  return html`
    ${items.length > 0 && html`<${Table} caption=${caption} columns=${columns} rows=${items} rowKey=${rowKey} />`}
    ${problem && html`<${Problem} problem=${problem} retry=${loadMore} />`}
    ${loading && html`<${Loading} what=${items.length ? `more ${what}` : what} />`}
    ${!items.length && !problem && !loading && !more && html`<${Empty}>${empty}<//>`}
    ${more && html`<div class="panel-foot"><button class="button" onClick=${loadMore}>Show more ${what}</button></div>`}`;
}
