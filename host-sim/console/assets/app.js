// The frame of the console: header, navigation, and the page that the address names. Whoever may not read the ledger sees the sign-in only.

import { html, useEffect, useErrorBoundary, useState } from './vendor/htm-preact.js';
import { Loading, Problem } from './components/notice.js';
import { live, openAlerts } from './lib/live.js';
import { useResource } from './lib/resource.js';
import { route } from './lib/router.js';
import { begin, session } from './lib/session.js';
import { useStore } from './lib/store.js';
import { ThemeButton } from './components/theme-button.js';
import { PAGES } from './pages/all.js';
import { NotFound } from './pages/not-found.js';
import { SignIn } from './pages/sign-in.js';

const NAVIGATION = [
  ['Ledger', [['Overview', ''], ['Transactions', 'transactions'], ['Blocks', 'blocks'], ['Accounts', 'accounts'], ['Pools', 'pools'], ['Assets', 'assets']]],
  ['Custody', [['Send', 'send'], ['Device', 'device']]],
  ['Operation', [['Alerts', 'alerts'], ['Validators', 'validators'], ['Access', 'access']]],
];

const CONNECTION = { live: 'Live', connecting: 'Connecting', broken: 'Not live', off: 'Not live' };

export function App() {
  const { ready, me, problem } = useStore(session);
  if (!ready) {
    return html`<div class="sign-in"><h1>QENEX console</h1>${problem
      ? html`<${Problem} problem=${problem} retry=${begin} />`
      : html`<${Loading} />`}</div>`;
  }
  if (!me) return html`<main class="sign-in"><h1>QENEX console</h1><${Problem} problem=${problem} retry=${begin} /></main>`;
  return me.scopes.includes('read') ? html`<${Shell} />` : html`<${Outside} />`;
}

function Outside() {
  return html`
    <header class="header"><${Brand} /><div class="header-side"><${ThemeButton} /></div></header>
    <main class="sign-in" id="main"><${SignIn} /></main>`;
}

function Brand({ chain }) {
  return html`<a class="brand" href="#/"><img src="/console/icon.svg" alt="" />QENEX ${chain && html`<span class="brand-chain">${chain}</span>`}</a>`;
}

function Shell() {
  const where = useStore(route);
  const [open, setOpen] = useState(false);
  const { data: status } = useResource('/status', { keepMs: 600_000 });
  useEffect(() => setOpen(false), [where.path]);
  const skip = (event) => {
    event.preventDefault();
    document.querySelector('h1').focus();
  };
  return html`
    <a class="skip" href="#main" onClick=${skip}>Skip to the content</a>
    <header class="header">
      <${Brand} chain=${status?.chain_id} />
      <div class="header-side">
        <${Connection} />
        <${ThemeButton} />
        <${Who} />
        <button class="button menu-button" data-kind="small" aria-expanded=${String(open)} aria-controls="navigation" onClick=${() => setOpen(!open)}>Menu</button>
      </div>
    </header>
    <div class="frame">
      <${Navigation} open=${open} at=${where.parts[0] ?? ''} />
      <main class="main" id="main"><${Routed} key=${where.path} where=${where} /></main>
    </div>`;
}

function Connection() {
  const { state } = useStore(live);
  return html`<span class="connection" data-state=${state}>${CONNECTION[state]}</span>`;
}

function Who() {
  const { me, signedIn } = useStore(session);
  // Where there is little room, Access in the menu leads to the same page.
  return html`<a class=${signedIn ? 'button wide-only' : 'button'} data-kind="small" href="#/access">${signedIn ? html`Signed in<span class="unseen"> as ${me.principal}</span>` : 'Sign in'}</a>`;
}

function Navigation({ open, at }) {
  const alerts = openAlerts(useStore(live));
  const count = (place) => place === 'alerts' && alerts?.length > 0
    && html`<span class="nav-count">${alerts.length}<span class="unseen"> open</span></span>`;
  return html`
    <nav class="nav" id="navigation" aria-label="Pages" data-open=${String(open)}>
      ${NAVIGATION.map(([group, pages]) => html`
        <h2>${group}</h2>
        <ul>${pages.map(([name, place]) => html`
          <li><a href=${`#/${place}`} aria-current=${place === at ? 'page' : undefined}>${name}${count(place)}</a></li>`)}
        </ul>`)}
    </nav>`;
}

/** The page of an address; a page that breaks does not take the frame with it. */
function Routed({ where }) {
  const [broken, mend] = useErrorBoundary((error) => console.error(error));
  if (broken) {
    const problem = { sentence: 'This page met something that it did not expect.', detail: broken.message, retryAfter: null };
    return html`<${Problem} problem=${problem} retry=${mend} again="Show it again" />`;
  }
  for (const [pattern, Found] of PAGES) {
    const parameters = match(pattern, where.parts);
    if (parameters) return html`<${Found} ...${parameters} search=${where.search} />`;
  }
  return html`<${NotFound} path=${where.path} />`;
}

/** 'pools/:id' and ['pools', 'QNX-USDC'] as {id: 'QNX-USDC'}; null if they do not match. */
function match(pattern, parts) {
  const wanted = pattern.split('/').filter(Boolean);
  if (wanted.length !== parts.length) return null;
  const parameters = {};
  for (const [index, name] of wanted.entries()) {
    if (name.startsWith(':')) parameters[name.slice(1)] = parts[index];
    else if (name !== parts[index]) return null;
  }
  return parameters;
}
