// The form for a new API key: whose it is, what it allows, for which accounts, how often and how long. Nobody hands on more than he has, so
// only own scopes are offered.

import { html, useRef, useState } from '../vendor/htm-preact.js';
import { post } from '../lib/api.js';
import { session } from '../lib/session.js';
import { Field, focusWrong, wrongId } from './form.js';
import { Problem } from './notice.js';

const ROLES = {
  'participant': 'Participant: reads, hands in what others signed',
  'bank': 'Bank: opens accounts, transfers, swaps',
  'fund': 'Fund: transfers, swaps, provides liquidity',
  'central-bank': 'Central bank: issues, provides liquidity',
  'regulator': 'Regulator: reads everything',
  'operator': 'Operator: watches the node',
  'admin': 'Administrator: everything',
};

const LASTS = [['', 'Never: until it is revoked'], ['86400', 'After a day'], ['2592000', 'After 30 days'], ['31536000', 'After a year']];

function accountsOf(text) {
  const listed = text.split(/[\s,]+/).filter(Boolean).map((id) => id.toUpperCase());
  return text.trim() === '*' ? '*' : listed;
}

function wrongIn({ name, role, scopes, accounts, perMinute }) {
  const ids = accounts === '*' ? [] : accounts;
  return {
    name: name && name.length <= 64 ? '' : 'A name of 1 to 64 characters was expected.',
    role: role || scopes.length ? '' : 'A role or at least one scope was expected.',
    accounts: ids.map((id) => wrongId(id, 'Accounts')).find(Boolean) ?? '',
    perMinute: /^([1-9][0-9]{0,8})?$/.test(perMinute) ? '' : 'A whole number above zero was expected, or nothing.',
  };
}

export function NewKeyForm({ made }) {
  const form = useRef(null);
  const [wrong, setWrong] = useState({});
  const [{ busy, problem }, setState] = useState({ busy: false, problem: null });

  const make = async (event) => {
    event.preventDefault();
    const fields = new FormData(form.current);
    const text = (name) => fields.get(name).trim();
    const entered = {
      name: text('key-name'), role: text('key-role'), scopes: fields.getAll('key-scope'), accounts: accountsOf(text('key-accounts')), perMinute: text('key-rate'),
    };
    const found = wrongIn(entered);
    setWrong(found);
    if (Object.values(found).some(Boolean)) return focusWrong(form.current);
    const { name, role, scopes, accounts, perMinute } = entered;
    const lasts = text('key-lasts');
    setState({ busy: true, problem: null });
    try {
      const json = {
        name, scopes, accounts,
        ...(role && { role }), ...(perMinute && { requests_per_minute: Number(perMinute) }), ...(lasts && { expires_in: Number(lasts) }),
      };
      return made(await post('/keys', { json }));
    } catch (problem) {
      return setState({ busy: false, problem });
    }
  };

  return html`
    <form class="form" ref=${form} onSubmit=${make}>
      ${problem && html`<${Problem} problem=${problem} />`}
      <${Field} id="key-name" label="Name" hint="Whose it is, or what for" wrong=${wrong.name} />
      <${Field} id="key-role" label="Role" wrong=${wrong.role}>
        <option value="">None: the scopes below only</option>
        ${Object.entries(ROLES).map(([role, text]) => html`<option value=${role}>${text}</option>`)}
      <//>
      <fieldset class="checks field"><legend>Scopes besides those of the role</legend>
        ${session.get().me.scopes.map((scope) => html`<label><input type="checkbox" name="key-scope" value=${scope} />${scope}</label>`)}
      </fieldset>
      <${Field} id="key-accounts" label="Accounts" hint="Identifiers with commas between them, or * for all. Nothing: for no account." wrong=${wrong.accounts} />
      <${Field} id="key-rate" label="Requests a minute" hint="Nothing: as the node is configured" wrong=${wrong.perMinute} inputmode="numeric" />
      <${Field} id="key-lasts" label="Expires">${LASTS.map(([seconds, text]) => html`<option value=${seconds}>${text}</option>`)}<//>
      <div><button class="button" data-kind="main" disabled=${busy}>Create the key</button></div>
    </form>`;
}
