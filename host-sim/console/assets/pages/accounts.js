// Accounts: found by their id, or in the list.

import { html, useRef, useState } from '../vendor/htm-preact.js';
import { Field, focusWrong, wrongId } from '../components/form.js';
import { Page, Panel } from '../components/page.js';
import { PagedTable } from '../components/paged-table.js';
import { AccountLink, State } from '../components/values.js';
import { grouped } from '../lib/amount.js';
import { query } from '../lib/api.js';
import { usePages } from '../lib/resource.js';
import { go, link } from '../lib/router.js';

const LIMIT = 50;
const where = (after) => `/accounts${query({ limit: LIMIT, after })}`;

const COLUMNS = [
  { label: 'Account', cell: ({ id }) => html`<${AccountLink} id=${id} />` },
  { label: 'Kind', cell: ({ kind }) => kind },
  { label: 'Status', cell: ({ status }) => html`<${State} of=${status} />` },
  { label: 'KYC', cell: ({ kyc }) => kyc },
  { label: 'Keys', cell: ({ threshold, keys }) => `${threshold} of ${keys.length}` },
  { label: 'Sent', kind: 'number', cell: ({ nonce }) => grouped(String(nonce)) },
];

export function Accounts() {
  const pages = usePages(where(), {
    pick: ({ accounts }) => accounts,
    next: ({ next }) => next && where(next),
    keepMs: 30_000,
  });
  return html`
    <${Page} title="Accounts">
      <${Panel} title="Find an account"><${Search} /><//>
      <${Panel} title="All accounts" plain>
        <${PagedTable} pages=${pages} what="accounts" empty="The ledger has no accounts." caption="Accounts" columns=${COLUMNS} rowKey=${({ id }) => id} />
      <//>
    <//>`;
}

function Search() {
  const form = useRef(null);
  const [wrong, setWrong] = useState('');
  const submit = (event) => {
    event.preventDefault();
    const id = form.current.elements.account.value.trim().toUpperCase();
    const found = wrongId(id, 'Account');
    setWrong(found);
    if (found) focusWrong(form.current);
    else go(link('accounts', id));
  };
  return html`
    <form class="form" role="search" ref=${form} onSubmit=${submit}>
      <${Field} id="account" label="Account id" hint="For example BANK_001" wrong=${wrong} />
      <div><button class="button" data-kind="main">Show the account</button></div>
    </form>`;
}
